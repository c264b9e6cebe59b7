//! Windows: what it tells through Winsock, IP Helper and the console. What needs an option that Windows lacks is blind.

mod adapters;
pub(crate) mod child;
pub(crate) mod device;
pub(crate) mod echo;
pub(crate) mod errno;
pub(crate) mod file;
pub(crate) mod icmp;
pub(crate) mod limits;
pub(crate) mod names;
pub(crate) mod network;
pub(crate) mod parent;
pub(crate) mod program;
pub(crate) mod socket;
mod sockopt;
pub(crate) mod stop;
pub(crate) mod user;

use std::io;

use crate::Sense;
pub(crate) use crate::blind::{datagram, hops, octets, peer_socket, segment, tcp_counters, tcp_info};

/// Nothing that a sense rests on is there.
pub(crate) fn probe() -> Vec<(Sense, io::Result<()>)> {
    Sense::all().map(|sense| (sense, crate::blind::unsupported())).collect()
}
