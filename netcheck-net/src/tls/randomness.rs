//! What is random in a ClientHello, kept so that rustls can write the same one again. While a server is silent, only this is kept:
//! the ClientHello and rustls's own state of a handshake are many times as large, and thousands may wait.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use ml_kem::Seed;
use ring::rand::{SecureRandom as _, SystemRandom};
use rustls::crypto::ring::kx_group::X25519;
use rustls::crypto::{ActiveKeyExchange, GetRandomFailed, SecureRandom, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup};

thread_local! {
    static MODE: RefCell<Mode> = const { RefCell::new(Mode::Fresh) };
}

/// What becomes of the randomness that rustls asks for on this thread.
enum Mode {
    /// It is used, and nobody else knows it.
    Fresh,
    /// It is kept besides.
    Keep(Vec<u8>, Option<Keys>),
    /// It is what was kept; so many bytes of it were used.
    Again(Randomness, usize),
}

/// The keys of a ClientHello's key shares.
pub(super) struct Keys {
    pub(super) classical: Box<dyn ActiveKeyExchange>,
    /// What the ML-KEM key is made of, where the group has one.
    pub(super) seed: Option<Seed>,
    /// The share of both; empty where it is to be made of the keys.
    pub(super) share: Box<[u8]>,
}

/// What the bytes of a ClientHello are made of, besides what was asked for.
pub(super) struct Drawn {
    /// Its session id and its random.
    bytes: Vec<u8>,
    seed: Option<Seed>,
    /// The public key of X25519.
    classical: Box<[u8]>,
}

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drawn").finish_non_exhaustive()
    }
}

/// What is random in one ClientHello, with its keys.
pub(super) struct Randomness {
    drawn: Arc<Drawn>,
    classical: Option<Box<dyn ActiveKeyExchange>>,
    share: Box<[u8]>,
}

/// Ends a mode, however the work in it ended.
struct Ending;

impl Drop for Ending {
    fn drop(&mut self) {
        MODE.replace(Mode::Fresh);
    }
}

impl Randomness {
    /// Makes a ClientHello, and keeps what is random in it. Its keys are no longer with the one that was made.
    pub(super) fn keep<T>(make: impl FnOnce() -> T) -> (T, Randomness) {
        let _ending = Ending;
        MODE.replace(Mode::Keep(Vec::new(), None));
        let made = make();
        let (mut bytes, keys) = match MODE.replace(Mode::Fresh) {
            Mode::Keep(bytes, keys) => (bytes, keys),
            Mode::Fresh | Mode::Again(..) => (Vec::new(), None),
        };
        bytes.shrink_to_fit();
        let (seed, share) =
            keys.as_ref().map_or((None, Box::default()), |keys| (keys.seed, keys.share.clone()));
        let classical = keys.map(|keys| keys.classical);
        let public = classical.as_ref().map_or(Box::default(), |classical| classical.pub_key().into());
        (made, Randomness { drawn: Arc::new(Drawn { bytes, seed, classical: public }), classical, share })
    }

    /// The same ClientHello's randomness without its keys: enough to write it once more, and for nothing else.
    pub(super) fn to_show(drawn: &Arc<Drawn>) -> Randomness {
        Randomness { drawn: Arc::clone(drawn), classical: None, share: Box::default() }
    }

    /// What its bytes are made of.
    pub(super) fn drawn(&self) -> Arc<Drawn> {
        Arc::clone(&self.drawn)
    }

    /// Forgets the key share, which can be made of the keys.
    pub(super) fn forget_share(&mut self) {
        self.share = Box::default();
    }

    /// Makes the same ClientHello again.
    pub(super) fn again<T>(self, make: impl FnOnce() -> T) -> T {
        let _ending = Ending;
        MODE.replace(Mode::Again(self, 0));
        make()
    }
}

/// The keys that were kept, where a ClientHello is made again.
pub(super) fn kept_keys() -> Option<Keys> {
    MODE.with_borrow_mut(|mode| {
        let Mode::Again(kept, _) = mode else { return None };
        let public =
            || Shown { group: NamedGroup::X25519, share: kept.drawn.classical.clone(), component: None };
        let classical = kept.classical.take().unwrap_or_else(|| Box::new(public()));
        Some(Keys { classical, seed: kept.drawn.seed, share: std::mem::take(&mut kept.share) })
    })
}

/// The exchange with these keys; where the ClientHello is kept, what is seen of it.
pub(super) fn begin(
    group: NamedGroup,
    keys: Keys,
    whole: impl FnOnce(Keys) -> Box<dyn ActiveKeyExchange>,
) -> Box<dyn ActiveKeyExchange> {
    MODE.with_borrow_mut(|mode| {
        let Mode::Keep(_, kept) = mode else { return whole(keys) };
        let classical: Box<[u8]> = keys.classical.pub_key().into();
        let (share, component) = match keys.seed {
            Some(_) => (keys.share.clone(), Some(classical)),
            None => (classical, None),
        };
        *kept = Some(keys);
        Box::new(Shown { group, share, component })
    })
}

/// The public side of an exchange.
struct Shown {
    group: NamedGroup,
    share: Box<[u8]>,
    /// The X25519 key of a hybrid share.
    component: Option<Box<[u8]>>,
}

impl ActiveKeyExchange for Shown {
    fn complete(self: Box<Self>, _: &[u8]) -> Result<SharedSecret, Error> {
        Err(Error::General("the keys of this ClientHello are elsewhere".to_owned()))
    }

    fn hybrid_component(&self) -> Option<(NamedGroup, &[u8])> {
        Some((NamedGroup::X25519, self.component.as_deref()?))
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn group(&self) -> NamedGroup {
        self.group
    }
}

/// ring's X25519, whose key can be kept.
#[derive(Debug)]
pub(super) struct KeptX25519;

impl SupportedKxGroup for KeptX25519 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let keys = match kept_keys() {
            Some(keys) => keys,
            None => Keys { classical: X25519.start()?, seed: None, share: Box::default() },
        };
        Ok(begin(self.name(), keys, |keys| keys.classical))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

/// The system's randomness, kept or used again as this thread's mode says.
#[derive(Debug)]
pub(super) struct KeptRandom;

impl SecureRandom for KeptRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        MODE.with_borrow_mut(|mode| {
            if let Mode::Again(kept, used) = mode {
                let end = *used + bytes.len();
                bytes.copy_from_slice(kept.drawn.bytes.get(*used..end).ok_or(GetRandomFailed)?);
                *used = end;
                return Ok(());
            }
            SystemRandom::new().fill(bytes).map_err(|_| GetRandomFailed)?;
            if let Mode::Keep(kept, _) = mode {
                kept.extend_from_slice(bytes);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
#[path = "randomness_tests.rs"]
mod tests;
