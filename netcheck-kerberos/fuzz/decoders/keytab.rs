//! A keytab.

use netcheck_kerberos::keytab;

/// Reads it; keys cannot be longer than the file.
pub fn decode(bytes: &[u8]) {
    let keys = keytab::parse(bytes).unwrap_or_default();
    let held: usize = keys.iter().map(|entry| entry.key.key().len()).sum();
    assert!(held <= bytes.len());
}
