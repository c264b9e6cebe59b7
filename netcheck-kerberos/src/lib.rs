//! A Kerberos client (RFC 4120) without sockets: credential caches, keytabs, `krb5.conf`, the exchanges with a KDC
//! and the token that answers `Proxy-Authenticate: Negotiate` (RFC 4559). The caller reads files and sends requests.

pub mod bytes;
pub mod ccache;
pub mod client;
pub mod config;
pub mod fault;
pub mod identity;
pub mod keytab;
pub mod link;
pub mod location;
pub mod principal;
pub mod reply;
pub mod time;
pub mod token;
mod wire;

pub use ccache::Ccache;
pub use client::{ServiceTicket, obtain};
pub use config::Config;
pub use fault::Fault;
pub use identity::Identity;
pub use link::{Kdc, KdcAnswer, KdcAttempt, NoKdc};
pub use location::Location;
pub use principal::Principal;
pub use time::Time;
