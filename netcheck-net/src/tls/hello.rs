//! What is asked for in a ClientHello.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls_pki_types::ServerName;

use netcheck_record::failure::{Code, Failure};
use netcheck_record::scheme::HelloKind;
use netcheck_record::target::{Host, Target};

/// What is asked for in a ClientHello, and how strictly the answer is judged.
#[derive(Clone, Debug)]
pub struct Hello {
    /// SNI, and the name the certificate has to be for; an address sends no SNI.
    pub name: Host,
    /// ALPN protocols, best first.
    pub alpn: Vec<Vec<u8>>,
    /// Roots that count as genuine besides the public ones.
    pub genuine: Option<Arc<RootCertStore>>,
    /// Interception is a failure even where the system trusts it.
    pub strict: bool,
    /// A certificate that convinces nobody does not end the handshake (RFC 7435): it is remembered as a fault.
    pub opportunistic: bool,
    /// Whose ClientHello it is.
    pub kind: HelloKind,
}

impl Hello {
    /// A small ClientHello to that host, without ALPN.
    #[must_use]
    pub fn to(host: &Host) -> Self {
        Hello {
            name: host.clone(),
            alpn: Vec::new(),
            genuine: None,
            strict: false,
            opportunistic: false,
            kind: HelloKind::Small,
        }
    }

    /// The ClientHello of the target's real client, without ALPN: a browser's where browsers are the clients.
    #[must_use]
    pub fn of(target: &Target) -> Self {
        Hello { kind: target.scheme.hello, ..Hello::to(&target.host) }
    }
}

/// The name as rustls wants it.
pub fn server_name(host: &Host) -> Result<ServerName<'static>, Failure> {
    match host {
        Host::Address(address) => Ok(ServerName::from(*address)),
        Host::Name(name) => ServerName::try_from(name.clone())
            .map_err(|_| Failure::new(Code::TlsNameMismatch, "the name cannot be in a certificate")),
    }
}
