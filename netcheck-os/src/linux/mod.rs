//! Linux: what it tells through socket options, /proc and /sys.

pub(crate) mod child;
pub(crate) mod datagram;
pub(crate) mod device;
pub(crate) mod echo;
pub(crate) mod errno;
pub(crate) mod file;
pub(crate) mod hops;
pub(crate) mod icmp;
pub(crate) mod limits;
pub(crate) mod names;
pub(crate) mod network;
pub(crate) mod octets;
pub(crate) mod parent;
pub(crate) mod peer_socket;
pub(crate) mod program;
pub(crate) mod segment;
pub(crate) mod socket;
mod sockopt;
pub(crate) mod stop;
pub(crate) mod tcp_counters;
pub(crate) mod tcp_info;
pub(crate) mod user;

use std::io;

use socket2::{Domain, Socket, Type};

use crate::Sense;

/// What the socket options answer that senses rest on, asked of sockets that send nothing.
pub(crate) fn probe() -> Vec<(Sense, io::Result<()>)> {
    let open = |kind| Socket::new(Domain::IPV4, kind, None);
    let (Ok(stream), Ok(datagram)) = (open(Type::STREAM), open(Type::DGRAM)) else { return Vec::new() };
    vec![
        (Sense::TcpIcmp, icmp::listen(&stream, false, true)),
        (Sense::UdpIcmp, icmp::listen(&datagram, false, true)),
        (Sense::ResetDistance, hops::accept_from(&stream, false, 1)),
        (Sense::Acked, tcp_info::read(&stream).map(drop)),
        (Sense::SmallSegments, segment::get(&stream).map(drop)),
    ]
}
