//! A credential cache as MIT and Heimdal write it (format 4, and 3), the `FILE:` kind: principal, tickets, clock offset.

use kerbcore::KerberosKey;

use crate::bytes::{Bytes, Opaque};
use crate::principal::Principal;

/// The largest file that is read.
pub const LARGEST: usize = 1 << 20;
/// The most tickets that are kept.
const MOST_TICKETS: usize = 1024;
/// The realm under which a cache keeps its own settings.
const SETTINGS: &str = "X-CACHECONF:";
/// The tag of the clock offset in the header.
const OFFSET: u16 = 1;

/// A cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ccache {
    /// Whose tickets these are.
    pub principal: Principal,
    /// How far the KDC's clock was ahead of this machine's when the cache was made, in seconds.
    pub offset: i64,
    /// The tickets.
    pub tickets: Vec<Cached>,
}

/// A ticket of a cache. Its key is shown by nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// Whose it is.
    pub client: Principal,
    /// What it opens.
    pub server: Principal,
    /// Its session key; `None` where its encryption type is not spoken here.
    pub key: Option<KerberosKey>,
    /// When it ends, in seconds since 1970.
    pub ends: i64,
    /// The ticket as the KDC wrote it.
    pub ticket: Opaque,
}

impl Ccache {
    /// Reads a cache.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(raw: &[u8]) -> Result<Self, &'static str> {
        if raw.len() > LARGEST {
            return Err("it is longer than a ticket cache may be");
        }
        let mut bytes = Bytes::new(raw);
        let version = bytes.u16().ok_or("it is empty")?;
        let offset = match version {
            0x0503 => 0,
            0x0504 => header(&mut bytes).ok_or("its header is cut short")?,
            0x0501 | 0x0502 => return Err("it is of a format of before 1995"),
            _ => return Err("it is no ticket cache"),
        };
        let principal = principal(&mut bytes).ok_or("it is cut short before its principal")?;
        let mut tickets = Vec::new();
        while !bytes.is_empty() && tickets.len() < MOST_TICKETS {
            let Some(cached) = ticket(&mut bytes, version) else { break };
            if cached.server.realm != SETTINGS {
                tickets.push(cached);
            }
        }
        Ok(Ccache { principal, offset, tickets })
    }

    /// The ticket for a service that ends last, whether it has ended or not.
    #[must_use]
    pub fn ticket_for(&self, server: &Principal) -> Option<&Cached> {
        let usable = |cached: &&Cached| cached.server.matches(server) && cached.key.is_some();
        self.tickets.iter().filter(usable).max_by_key(|cached| cached.ends)
    }
}

/// The clock offset that the header may hold.
fn header(bytes: &mut Bytes<'_>) -> Option<i64> {
    let length = bytes.u16()?;
    let mut fields = Bytes::new(bytes.take(usize::from(length))?);
    let mut offset = 0;
    while !fields.is_empty() {
        let tag = fields.u16()?;
        let length = fields.u16()?;
        let mut value = Bytes::new(fields.take(usize::from(length))?);
        if tag == OFFSET {
            offset = i64::from(value.i32()?);
        }
    }
    Some(offset)
}

fn principal(bytes: &mut Bytes<'_>) -> Option<Principal> {
    let kind = bytes.i32()?;
    let count = bytes.u32()?;
    let realm = bytes.text()?;
    let mut components = Vec::new();
    for _ in 0..count {
        components.push(bytes.text()?);
    }
    Some(Principal { kind, components, realm })
}

fn ticket(bytes: &mut Bytes<'_>, version: u16) -> Option<Cached> {
    let client = principal(bytes)?;
    let server = principal(bytes)?;
    let kind = bytes.u16()?;
    if version == 0x0503 {
        bytes.u16()?;
    }
    let key = bytes.counted()?;
    let _authenticated = bytes.u32()?;
    let _starts = bytes.u32()?;
    let ends = i64::from(bytes.u32()?);
    let _renewable = bytes.u32()?;
    let _session = bytes.u8()?;
    let _flags = bytes.u32()?;
    skip_list(bytes)?;
    skip_list(bytes)?;
    let ticket = Opaque(bytes.counted()?.to_vec());
    let _second = bytes.counted()?;
    Some(Cached {
        client,
        server,
        key: KerberosKey::from_i32(i32::from(kind), key.to_vec()).ok(),
        ends,
        ticket,
    })
}

/// Addresses, or authorization data: each a type and bytes.
fn skip_list(bytes: &mut Bytes<'_>) -> Option<()> {
    for _ in 0..bytes.u32()? {
        bytes.u16()?;
        bytes.counted()?;
    }
    Some(())
}
