//! Ed25519 keys (RFC 8032) of agents and of those who write plans, and the files they are kept in.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use netcheck_record::file;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

/// A key file is never longer.
const LONGEST: u64 = 4096;

/// A private key. It is shown nowhere.
pub struct SecretKey(Ed25519KeyPair);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public())
    }
}

/// A public key, in base64.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PublicKey(String);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SecretKey {
    /// The key in a file; where there is none, a new one is made and written, for its owner alone.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds no key.
    pub fn of_file(path: &Path) -> Result<Self, String> {
        let fault = |why: &dyn fmt::Display| format!("{}: {why}", path.display());
        match file::text(path, LONGEST) {
            Ok(text) => SecretKey::read(&text).map_err(|why| fault(&why)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
                    .map_err(|_| fault(&"the system gives no random numbers"))?;
                let text = format!("{}\n", STANDARD.encode(document.as_ref()));
                write_private(path, text.as_bytes()).map_err(|why| fault(&why))?;
                SecretKey::read(&text).map_err(|why| fault(&why))
            }
            Err(why) => Err(fault(&why)),
        }
    }

    fn read(text: &str) -> Result<Self, String> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| "this is no key")?;
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes)
            .map(SecretKey)
            .map_err(|_| "this is no key".to_owned())
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(STANDARD.encode(self.0.public_key()))
    }

    /// The signature of a message, in base64.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> String {
        STANDARD.encode(self.0.sign(message))
    }
}

impl PublicKey {
    /// Reads what [`fmt::Display`] writes.
    ///
    /// # Errors
    /// Not 32 bytes in base64.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| "a public key is 32 bytes in base64")?;
        if bytes.len() != 32 {
            return Err("a public key is 32 bytes in base64".to_owned());
        }
        Ok(PublicKey(STANDARD.encode(bytes)))
    }

    /// Whether the signature, in base64, is this key's of the message.
    #[must_use]
    pub fn signed(&self, message: &[u8], signature: &str) -> bool {
        let (Ok(key), Ok(signature)) = (STANDARD.decode(&self.0), STANDARD.decode(signature)) else {
            return false;
        };
        UnparsedPublicKey::new(&ED25519, key).verify(message, &signature).is_ok()
    }
}

/// Writes a new file that only its owner reads; one that is there stays.
///
/// # Errors
/// The file is there, or cannot be written.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = netcheck_common::os::file::make_private(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// 32 random bytes as 64 hexadecimal digits: a token that nobody guesses.
///
/// # Errors
/// The system gives no random numbers.
pub fn token() -> Result<String, String> {
    random::<32>()
}

/// So many random bytes in hexadecimal digits.
///
/// # Errors
/// The system gives no random numbers.
pub fn random<const BYTES: usize>() -> Result<String, String> {
    let mut bytes = [0_u8; BYTES];
    ring::rand::SecureRandom::fill(&SystemRandom::new(), &mut bytes)
        .map_err(|_| "the system gives no random numbers")?;
    Ok(hex(&bytes))
}

/// SHA-256 in hexadecimal digits.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_the_same_and_signs_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.key");
        let first = SecretKey::of_file(&path).unwrap();
        let again = SecretKey::of_file(&path).unwrap();
        assert_eq!(first.public(), again.public());
        assert!(first.public().signed(b"message", &again.sign(b"message")));
        assert!(!first.public().signed(b"another", &again.sign(b"message")));
        assert_eq!(PublicKey::parse(&first.public().to_string()), Ok(first.public()));
    }
}
