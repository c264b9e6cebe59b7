//! Encrypted Client Hello without a key for it: random bytes of the same form, as browsers send them (RFC 9849, "GREASE ECH").

use ring::rand::{SecureRandom, SystemRandom};
use rustls::Error;
use rustls::client::{EchGreaseConfig, EchMode};
use rustls::crypto::GetRandomFailed;
use rustls::crypto::hpke::{
    EncapsulatedSecret, Hpke, HpkeOpener, HpkePrivateKey, HpkePublicKey, HpkeSealer, HpkeSuite,
};
use rustls::internal::msgs::enums::{HpkeAead, HpkeKdf, HpkeKem};
use rustls::internal::msgs::handshake::HpkeSymmetricCipherSuite;

/// An X25519 key and an AES-GCM tag, in bytes.
const KEY: usize = 32;
const TAG: usize = 16;

/// Encrypts nothing: what it returns is random, and nobody can open it.
#[derive(Debug)]
struct Random;

/// The mode for a client's configuration.
pub(super) fn mode() -> EchMode {
    EchMode::Grease(EchGreaseConfig::new(&Random, HpkePublicKey(vec![0; KEY])))
}

fn random(length: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; length];
    SystemRandom::new().fill(&mut bytes).map_err(|_| GetRandomFailed)?;
    Ok(bytes)
}

fn refused<T>() -> Result<T, Error> {
    Err(Error::General("GREASE cannot be opened".into()))
}

impl Hpke for Random {
    fn seal(
        &self,
        _: &[u8],
        _: &[u8],
        plaintext: &[u8],
        _: &HpkePublicKey,
    ) -> Result<(EncapsulatedSecret, Vec<u8>), Error> {
        Ok((EncapsulatedSecret(random(KEY)?), random(plaintext.len() + TAG)?))
    }

    fn setup_sealer(
        &self,
        _: &[u8],
        _: &HpkePublicKey,
    ) -> Result<(EncapsulatedSecret, Box<dyn HpkeSealer + 'static>), Error> {
        Ok((EncapsulatedSecret(random(KEY)?), Box::new(Random)))
    }

    fn open(
        &self,
        _: &EncapsulatedSecret,
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: &HpkePrivateKey,
    ) -> Result<Vec<u8>, Error> {
        refused()
    }

    fn setup_opener(
        &self,
        _: &EncapsulatedSecret,
        _: &[u8],
        _: &HpkePrivateKey,
    ) -> Result<Box<dyn HpkeOpener + 'static>, Error> {
        refused()
    }

    fn generate_key_pair(&self) -> Result<(HpkePublicKey, HpkePrivateKey), Error> {
        refused()
    }

    fn suite(&self) -> HpkeSuite {
        HpkeSuite {
            kem: HpkeKem::DHKEM_X25519_HKDF_SHA256,
            sym: HpkeSymmetricCipherSuite { kdf_id: HpkeKdf::HKDF_SHA256, aead_id: HpkeAead::AES_128_GCM },
        }
    }
}

impl HpkeSealer for Random {
    fn seal(&mut self, _: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        random(plaintext.len() + TAG)
    }
}
