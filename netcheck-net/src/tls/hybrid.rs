//! The group X25519MLKEM768 of today's browsers: ML-KEM-768 (FIPS 203) beside ring's X25519 (draft-ietf-tls-ecdhe-mlkem).

use ml_kem::{Decapsulate, DecapsulationKey, KeyExport, MlKem768, Seed};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::crypto::ring::kx_group::X25519;
use rustls::crypto::{ActiveKeyExchange, GetRandomFailed, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};

use super::randomness::{self, Keys};

/// The length of the server's ML-KEM-768 ciphertext, which comes before its X25519 share.
const CIPHERTEXT: usize = 1088;

/// The group.
#[derive(Debug)]
pub(super) struct X25519MlKem768;

struct Exchange {
    classical: Box<dyn ActiveKeyExchange>,
    /// What the ML-KEM key is made of, once more when the server has chosen this group: the key itself is a hundred
    /// times as long, and thousands of handshakes may wait for a silent server.
    seed: Seed,
    share: Box<[u8]>,
}

impl SupportedKxGroup for X25519MlKem768 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let (classical, seed, share) = match randomness::kept_keys() {
            Some(Keys { classical, seed: Some(seed), share }) => (classical, seed, share),
            Some(Keys { seed: None, .. }) | None => (X25519.start()?, fresh_seed()?, Box::default()),
        };
        let share = if share.is_empty() { share_of(seed, &*classical) } else { share };
        let keys = Keys { classical, seed: Some(seed), share };
        Ok(randomness::begin(self.name(), keys, |keys| {
            Box::new(Exchange { classical: keys.classical, seed, share: keys.share })
        }))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

fn fresh_seed() -> Result<Seed, Error> {
    let mut seed = [0; 64];
    SystemRandom::new().fill(&mut seed).map_err(|_| GetRandomFailed)?;
    Ok(Seed::from(seed))
}

/// The public keys, one after the other.
fn share_of(seed: Seed, classical: &dyn ActiveKeyExchange) -> Box<[u8]> {
    let post_quantum = DecapsulationKey::<MlKem768>::from_seed(seed).encapsulation_key().to_bytes();
    [post_quantum.as_slice(), classical.pub_key()].concat().into_boxed_slice()
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, share: &[u8]) -> Result<SharedSecret, Error> {
        const INVALID: Error = Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);
        let (ciphertext, classical) = share.split_at_checked(CIPHERTEXT).ok_or(INVALID)?;
        let ciphertext = ciphertext.try_into().map_err(|_| INVALID)?;
        let post_quantum = DecapsulationKey::<MlKem768>::from_seed(self.seed);
        let mut secret = post_quantum.decapsulate(&ciphertext).to_vec();
        secret.extend(self.classical.complete(classical)?.secret_bytes());
        Ok(SharedSecret::from(secret))
    }

    fn hybrid_component(&self) -> Option<(NamedGroup, &[u8])> {
        Some((self.classical.group(), self.classical.pub_key()))
    }

    fn complete_hybrid_component(self: Box<Self>, share: &[u8]) -> Result<SharedSecret, Error> {
        self.classical.complete(share)
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }
}
