//! Who asks: a cache of tickets, a keytab, or a password.

use std::fmt;

use kerbcore::keys::{Enctype, KerberosKey};

use crate::ccache::Ccache;
use crate::keytab::KeytabEntry;
use crate::principal::Principal;

/// The most rounds that a KDC may ask for when a key is made from a password (about a second of work).
const MOST_ROUNDS: u32 = 1_000_000;

/// Who asks. Passwords and keys are shown by nothing.
#[derive(Clone)]
pub enum Identity {
    /// Somebody who has logged on.
    Cache {
        /// The tickets.
        cache: Ccache,
        /// Where they are.
        place: String,
    },
    /// Somebody whose keys are in a keytab.
    Keytab {
        /// Who.
        principal: Principal,
        /// All keys of the keytab.
        keys: Vec<KeytabEntry>,
    },
    /// Somebody who knows a password.
    Password {
        /// Who.
        principal: Principal,
        /// The password.
        password: String,
    },
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.principal())
    }
}

impl Identity {
    /// Who it is.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        match self {
            Identity::Cache { cache, .. } => &cache.principal,
            Identity::Keytab { principal, .. } | Identity::Password { principal, .. } => principal,
        }
    }

    /// The encryption types that this identity can answer with.
    pub(crate) fn etypes(&self, spoken: &[i32]) -> Vec<i32> {
        let Identity::Keytab { principal, keys } = self else { return spoken.to_vec() };
        let held = |etype: &&i32| {
            keys.iter().any(|key| key.principal.matches(principal) && key.key.enctype().to_i32() == **etype)
        };
        spoken.iter().filter(held).copied().collect()
    }

    /// The long-term key of an encryption type; `salt` and `rounds` are the KDC's (RFC 4120 section 5.2.7.5).
    pub(crate) fn key(&self, etype: i32, salt: Option<&str>, rounds: Option<u32>) -> Option<KerberosKey> {
        match self {
            Identity::Cache { .. } => None,
            Identity::Keytab { principal, keys } => keys
                .iter()
                .filter(|key| key.principal.matches(principal) && key.key.enctype().to_i32() == etype)
                .max_by_key(|key| key.kvno)
                .map(|key| key.key.clone()),
            Identity::Password { principal, password } => {
                let etype = Enctype::from_i32(etype).filter(|etype| *etype != Enctype::Rc4Hmac)?;
                let usual = if matches!(etype.to_i32(), 17 | 18) { 4096 } else { 32_768 };
                let rounds = rounds.unwrap_or(usual);
                let own = format!("{}{}", principal.realm, principal.components.concat());
                let salt = salt.unwrap_or(&own).as_bytes();
                (rounds <= MOST_ROUNDS).then(|| KerberosKey::string_to_key(etype, password, salt, rounds))
            }
        }
    }
}
