//! Sockets are told after they are made not to wait.

use std::io;

use socket2::{Domain, Protocol, Socket, Type};

pub(crate) fn open(domain: Domain, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(domain, kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Windows marks nothing that a socket asks for: a policy of the administrator does.
pub(crate) fn mark(_: &Socket, _: bool, _: u8) -> io::Result<()> {
    crate::blind::unsupported()
}

/// Windows chooses by itself how much waits.
pub(crate) fn limit_unsent(_: &Socket, _: u32) -> io::Result<()> {
    crate::blind::unsupported()
}
