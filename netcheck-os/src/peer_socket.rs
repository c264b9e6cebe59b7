//! Whether the other end of a connection is a socket of this machine: a local agent takes connections over by NAT.

use std::net::SocketAddr;

use crate::{Sense, Sight, system};

/// A socket of this machine that has `local`, our own end of a connection, for its remote end.
#[must_use]
pub fn of(local: SocketAddr) -> Sight<()> {
    if Sense::PeerSocket.is_blind() {
        return Sight::Blind;
    }
    system::peer_socket::is_on_this_machine(local).then_some(()).into()
}
