//! check-tcp against resolvers, proxies and servers that follow a script.
#![expect(clippy::unwrap_used, reason = "a helper of a test ends the test")]

mod blind;
mod connect;
mod dns;
mod dns_transport;
mod exit;
mod files;
mod format;
mod input;
mod interrupt;
mod lanes;
mod manners;
mod peer;
mod proxies;
mod scripts;
mod socks;
