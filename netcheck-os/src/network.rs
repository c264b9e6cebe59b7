//! This machine's way to the network: its interfaces and its default routes.

use std::net::IpAddr;

use crate::system;

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Whether it is this machine itself.
    pub loopback: bool,
    /// Whether it carries packets.
    pub up: bool,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// Where packets go that no other route takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The router; none on a link that has no routers.
    pub gateway: Option<IpAddr>,
    /// The interface.
    pub interface: String,
}

/// The interfaces, in the system's order; none where it does not tell.
#[must_use]
pub fn interfaces() -> Vec<Interface> {
    system::network::interfaces()
}

/// The default route with the lowest metric; none where there is none, or where the system does not tell.
#[must_use]
pub fn default_route(v6: bool) -> Option<Route> {
    system::network::default_route(v6)
}
