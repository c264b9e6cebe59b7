//! A keytab (format 0x502): the long-term keys of principals.

use kerbcore::KerberosKey;

use crate::bytes::Bytes;
use crate::principal::{Principal, USER};

/// The largest file that is read.
pub const LARGEST: usize = 1 << 20;
/// The most keys that are kept.
const MOST_KEYS: usize = 4096;

/// A key of a keytab; its bytes are shown by nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeytabEntry {
    /// Whose key it is.
    pub principal: Principal,
    /// The key's version.
    pub kvno: u32,
    /// The key.
    pub key: KerberosKey,
}

/// Reads a keytab; keys of encryption types that are not spoken here are left out.
///
/// # Errors
/// What is wrong with it.
pub fn parse(raw: &[u8]) -> Result<Vec<KeytabEntry>, &'static str> {
    if raw.len() > LARGEST {
        return Err("it is longer than a keytab may be");
    }
    let mut bytes = Bytes::new(raw);
    if bytes.u16() != Some(0x0502) {
        return Err("it is no keytab");
    }
    let mut entries = Vec::new();
    while !bytes.is_empty() && entries.len() < MOST_KEYS {
        let size = bytes.i32().ok_or("it is cut short")?;
        let length = usize::try_from(size.unsigned_abs()).unwrap_or(usize::MAX);
        let entry = bytes.take(length).ok_or("it is cut short")?;
        // A negative size is a hole: an entry that was removed.
        if size > 0 {
            entries.extend(keytab_entry(entry));
        }
    }
    Ok(entries)
}

fn keytab_entry(raw: &[u8]) -> Option<KeytabEntry> {
    let mut bytes = Bytes::new(raw);
    let count = bytes.u16()?;
    let realm = bytes.short_text()?;
    let mut components = Vec::new();
    for _ in 0..count {
        components.push(bytes.short_text()?);
    }
    let kind = bytes.i32().unwrap_or(USER);
    let _stamp = bytes.u32()?;
    let short = u32::from(bytes.u8()?);
    let etype = i32::from(bytes.u16()?);
    let length = bytes.u16()?;
    let key = bytes.take(usize::from(length))?.to_vec();
    // Versions over 255 follow in four bytes of their own.
    let kvno = bytes.u32().filter(|long| *long > 0).unwrap_or(short);
    let key = KerberosKey::from_i32(etype, key).ok()?;
    Some(KeytabEntry { principal: Principal { kind, components, realm }, kvno, key })
}
