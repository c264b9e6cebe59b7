//! A proxy: what it speaks and where it is.

use std::fmt;

use super::auth::credentials::Credentials;
use netcheck_record::target::Host;

/// What the proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// HTTP CONNECT over TCP.
    Http,
    /// HTTP CONNECT over TLS.
    Https,
    /// SOCKS5 (RFC 1928), names resolved by the proxy.
    Socks5h,
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// What it speaks.
    pub kind: Kind,
    /// Where it is.
    pub host: Host,
    /// On which port.
    pub port: u16,
    /// What it may ask for.
    pub(crate) credentials: Option<Credentials>,
}

impl fmt::Display for Proxy {
    /// The URL without credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Https => "https",
            Kind::Socks5h => "socks5h",
        };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}
