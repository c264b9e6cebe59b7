//! Servers that follow a script, throw-away certificates, a resolver that lies, and the reading of a tool's records.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test server that cannot start should end the test"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "servers for tests open their own sockets, and netcheck-common may use this crate in its tests"
)]

mod act;
pub mod browser;
pub mod corpus;
pub mod dns;
pub mod filters;
pub mod formats;
pub mod hellos;
pub mod kerberos;
pub mod pki;
pub mod records;
pub mod script;
pub mod tool;
pub mod trial;
pub mod udp;
pub mod view;
mod wire;
pub mod world;

pub use script::{Act, Server, closed_port, closed_ports, free_port};
pub use udp::UdpServer;
