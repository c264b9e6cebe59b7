//! One target: what to check, in the notation `scheme://host[:port][/path][?query]`.

use std::fmt;
use std::net::IpAddr;

use crate::labels::Labels;
use crate::scheme::{Scheme, Transport};

/// A name or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name, lower-cased and IDNA-encoded.
    Name(String),
    /// A literal address.
    Address(IpAddr),
}

impl Host {
    /// Reads a name or an address literal (IPv6 without brackets).
    pub fn parse(text: &str) -> Result<Host, Invalid> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Host::Address(address));
        }
        if text.is_empty() {
            return Err(Invalid::new("the host is empty"));
        }
        if text.contains('*') {
            return Err(Invalid::new("a wildcard cannot be checked: name a host under it"));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(Invalid::new("not a valid IPv4 address"));
        }
        let name = idna::domain_to_ascii(text).map_err(|_| Invalid::new("not a valid host name"))?;
        let bare = name.strip_suffix('.').unwrap_or(&name);
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        if bare.len() > 253 || !bare.split('.').all(label) {
            return Err(Invalid::new("not a valid host name"));
        }
        Ok(Host::Name(bare.to_owned()))
    }

    /// The name, where it is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Host::Name(name) => Some(name),
            Host::Address(_) => None,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// Why a text is not a target, in words for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub String);

impl Invalid {
    /// Because of `reason`.
    pub fn new(reason: impl Into<String>) -> Self {
        Invalid(reason.into())
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}

/// One thing to check.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The protocol.
    pub scheme: Scheme,
    /// Whom to ask.
    pub host: Host,
    /// On which port; absent for protocols without ports.
    pub port: Option<u16>,
    /// Path and query as they stand after the port: empty, or beginning with `/` or `?`.
    pub path: String,
    /// Labels that came with it; returned unchanged.
    pub labels: Option<Labels>,
}

impl Target {
    /// The port, or 0 where the protocol has none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or_default()
    }

    /// The path for a request: `/` where none was given.
    #[must_use]
    pub fn request_path(&self) -> String {
        if self.path.starts_with('/') { self.path.clone() } else { format!("/{}", self.path) }
    }

    /// The value of a query parameter: `transport` in `turn://host?transport=tcp`.
    #[must_use]
    pub fn query(&self, key: &str) -> Option<&str> {
        let (_, query) = self.path.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
    }

    /// A boolean label.
    #[must_use]
    pub fn flag(&self, label: &str) -> Option<bool> {
        self.labels.as_ref()?.flag(label)
    }

    /// `host:port`, as a `Host` header or CONNECT has it.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.to_string(),
        }
    }
}

impl Target {
    /// The transport its packets use.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.scheme.transport(self.query("transport").map(|value| format!("transport={value}")).as_deref())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.name, self.authority(), self.path)
    }
}
