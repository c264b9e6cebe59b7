//! A device that drops ClientHellos by their server name, as a filter reads it: whole, or in the first segment only.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::client_hello::tcp_payload;

/// Which names are dropped.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameFilter {
    /// How the name is compared.
    pub how: NameMatch,
    /// The name.
    pub name: String,
    /// Upper and lower case are the same.
    #[serde(default)]
    pub ignore_case: bool,
    /// Only the first segment of a connection is read.
    #[serde(default)]
    pub first_segment: bool,
}

/// How a name is compared.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum NameMatch {
    /// The name itself.
    Exact,
    /// The name, and all names below it.
    Suffix,
    /// One label below it.
    Wildcard,
    /// Wherever it stands.
    Contains,
}

impl NameFilter {
    /// Whether the device catches this name.
    pub fn matches(&self, name: &str) -> bool {
        let name = if self.ignore_case { name.to_ascii_lowercase() } else { name.to_owned() };
        let label = name.strip_suffix(&self.name).and_then(|rest| rest.strip_suffix('.'));
        match self.how {
            NameMatch::Exact => name == self.name,
            NameMatch::Suffix => name == self.name || label.is_some(),
            NameMatch::Wildcard => label.is_some_and(|label| !label.contains('.')),
            NameMatch::Contains => name.contains(&self.name),
        }
    }
}

/// The connections that pass the device.
#[derive(Debug, Default)]
pub struct Connections {
    read: HashMap<Vec<u8>, Vec<u8>>,
    dropped: HashSet<Vec<u8>>,
}

impl Connections {
    /// Whether the device drops this IPv4 packet.
    pub fn catches(&mut self, packet: &[u8], filter: &NameFilter) -> bool {
        let Some(payload) = tcp_payload(packet).filter(|payload| !payload.is_empty()) else { return false };
        let Some(key) = connection(packet) else { return false };
        if self.dropped.contains(&key) {
            return true;
        }
        let first = !self.read.contains_key(&key);
        let read = self.read.entry(key.clone()).or_default();
        if first || !filter.first_segment {
            read.extend(payload);
        }
        let caught = server_name(read).is_some_and(|name| filter.matches(&name));
        if caught {
            self.dropped.insert(key);
        }
        caught
    }
}

/// Addresses and ports of an IPv4 packet.
fn connection(packet: &[u8]) -> Option<Vec<u8>> {
    let header = usize::from(packet.first()? & 15) * 4;
    Some([packet.get(12..20)?, packet.get(header..header + 4)?].concat())
}

/// The server name of a ClientHello, as far as it was read.
fn server_name(read: &[u8]) -> Option<String> {
    let [22, 3, _, _, _, 1, ..] = *read else { return None };
    let number = |at: usize| Some(usize::from(u16::from_be_bytes([*read.get(at)?, *read.get(at + 1)?])));
    // Record, message header, version and random.
    let session = 5 + 4 + 2 + 32;
    let suites = session + 1 + usize::from(*read.get(session)?);
    let methods = suites + 2 + number(suites)?;
    let mut at = methods + 1 + usize::from(*read.get(methods)?) + 2;
    loop {
        let (kind, length) = (number(at)?, number(at + 2)?);
        if kind == 0 {
            let name = read.get(at + 9..at + 4 + length)?;
            return Some(String::from_utf8_lossy(name).into_owned());
        }
        at += 4 + length;
    }
}
