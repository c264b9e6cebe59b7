//! The plan of a tenant: what its offices check, how often, and how much that may send. It is signed by a key that no
//! hub has, so that whoever takes over a hub or the broker tells no office what to do.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::key::{PublicKey, SecretKey};

/// The largest envelope.
pub const LARGEST: usize = 512 << 10;

/// What offices do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Whose offices.
    pub tenant: String,
    /// Later plans have greater numbers.
    pub version: u64,
    /// From when on it does not hold, in seconds since 1970.
    pub expires: i64,
    /// How often an office checks, in seconds.
    pub interval: u64,
    /// The most that a run may last, in seconds.
    pub seconds: u64,
    /// The most that a run and the report of it may send, in MB.
    pub megabytes: u64,
    /// The profile, as TOML.
    pub profile: String,
}

/// A plan and its signature, as it is kept and sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The plan as JSON, in base64: exactly the bytes that are signed.
    pub plan: String,
    /// The signature.
    pub signature: String,
}

/// Why a plan is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not a plan.
    Unreadable,
    /// Signed by none of the keys that the office knows.
    Forged,
    /// Another tenant's.
    ForAnother,
    /// Older than the one the office has.
    Older,
    /// Its time is over.
    Expired,
}

impl Fault {
    /// A sentence for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Fault::Unreadable => "this is no plan",
            Fault::Forged => "the plan is signed by a key that this office does not know",
            Fault::ForAnother => "the plan is another tenant's",
            Fault::Older => "the plan is older than the one this office has",
            Fault::Expired => "the plan has expired",
        }
    }
}

/// The bytes that are signed.
fn message(plan: &[u8]) -> Vec<u8> {
    [b"netcheck-plan 1\n".as_slice(), plan].concat()
}

impl Plan {
    /// Signs the plan.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn sign(&self, key: &SecretKey) -> Result<Envelope, String> {
        let bytes = serde_json::to_vec(self).map_err(|why| why.to_string())?;
        Ok(Envelope { plan: STANDARD.encode(&bytes), signature: key.sign(&message(&bytes)) })
    }
}

impl Envelope {
    /// Reads an envelope.
    ///
    /// # Errors
    /// It is none.
    pub fn read(bytes: &[u8]) -> Result<Envelope, Fault> {
        if bytes.len() > LARGEST {
            return Err(Fault::Unreadable);
        }
        serde_json::from_slice(bytes).map_err(|_| Fault::Unreadable)
    }

    /// What it holds, whoever signed it.
    ///
    /// # Errors
    /// No plan.
    pub fn unproven(&self) -> Result<Plan, Fault> {
        let bytes = STANDARD.decode(&self.plan).map_err(|_| Fault::Unreadable)?;
        serde_json::from_slice(&bytes).map_err(|_| Fault::Unreadable)
    }

    /// The plan, where one of the keys signed it.
    ///
    /// # Errors
    /// None of them did.
    pub fn proven(&self, keys: &[PublicKey]) -> Result<Plan, Fault> {
        let bytes = STANDARD.decode(&self.plan).map_err(|_| Fault::Unreadable)?;
        if !keys.iter().any(|key| key.signed(&message(&bytes), &self.signature)) {
            return Err(Fault::Forged);
        }
        serde_json::from_slice(&bytes).map_err(|_| Fault::Unreadable)
    }

    /// The plan that an office takes in place of the one it has.
    ///
    /// # Errors
    /// Forged, another's, older than version `had`, or expired.
    pub fn accepted(&self, keys: &[PublicKey], tenant: &str, had: u64, now: i64) -> Result<Plan, Fault> {
        let plan = self.proven(keys)?;
        if plan.tenant != tenant {
            return Err(Fault::ForAnother);
        }
        if plan.version < had {
            return Err(Fault::Older);
        }
        if plan.expires <= now {
            return Err(Fault::Expired);
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SecretKey {
        let folder = tempfile::tempdir().unwrap();
        SecretKey::of_file(&folder.path().join("plan.key")).unwrap()
    }

    fn plan() -> Plan {
        let profile = "format = 1\nname = \"show\"\n".to_owned();
        let tenant = "acme".to_owned();
        Plan { tenant, version: 7, expires: 2000, interval: 900, seconds: 60, megabytes: 20, profile }
    }

    #[test]
    fn an_office_takes_a_plan_of_its_tenant_that_is_signed_new_and_in_force() {
        let (own, other) = (key(), key());
        let envelope = plan().sign(&own).unwrap();
        let keys = [own.public()];
        assert_eq!(envelope.accepted(&keys, "acme", 7, 1999), Ok(plan()));
        assert_eq!(envelope.accepted(&[other.public()], "acme", 7, 1999), Err(Fault::Forged));
        assert_eq!(envelope.accepted(&keys, "rival", 7, 1999), Err(Fault::ForAnother));
        assert_eq!(envelope.accepted(&keys, "acme", 8, 1999), Err(Fault::Older));
        assert_eq!(envelope.accepted(&keys, "acme", 7, 2000), Err(Fault::Expired));
        let other = Plan { version: 8, ..plan() }.sign(&other).unwrap();
        let swapped = Envelope { signature: envelope.signature, ..other };
        assert_eq!(swapped.accepted(&keys, "acme", 7, 1999), Err(Fault::Forged));
    }

    #[test]
    fn an_envelope_is_read_back_and_noise_is_none() {
        let envelope = plan().sign(&key()).unwrap();
        let bytes = serde_json::to_vec(&envelope).unwrap();
        assert_eq!(Envelope::read(&bytes), Ok(envelope));
        assert_eq!(Envelope::read(b"{}"), Err(Fault::Unreadable));
        assert_eq!(Envelope::read(&vec![b' '; LARGEST + 1]), Err(Fault::Unreadable));
    }
}
