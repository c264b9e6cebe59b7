//! `SOCK_NONBLOCK` (socket(2)).

use std::io;

use socket2::{Domain, Protocol, Socket, Type};

pub(crate) fn open(domain: Domain, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    Socket::new(domain, kind.nonblocking(), Some(protocol))
}

pub(crate) fn mark(socket: &Socket, v6: bool, dscp: u8) -> io::Result<()> {
    let field = u32::from(dscp) << 2;
    if v6 { socket.set_tclass_v6(field) } else { socket.set_tos_v4(field) }
}

/// `TCP_NOTSENT_LOWAT` (tcp(7)).
pub(crate) fn limit_unsent(socket: &Socket, bytes: u32) -> io::Result<()> {
    socket.set_tcp_notsent_lowat(bytes)
}
