//! Sockets that wait for nothing.

use std::io;

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::system;

/// A socket whose calls return at once.
///
/// # Errors
/// What the system says.
pub fn open(domain: Domain, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    system::socket::open(domain, kind, protocol)
}

/// Marks what a socket sends with a DSCP (RFC 2474).
///
/// # Errors
/// What the system says.
pub fn mark<'s>(socket: impl Into<SockRef<'s>>, v6: bool, dscp: u8) -> io::Result<()> {
    system::socket::mark(&socket.into(), v6, dscp)
}

/// Limits how much of what was written waits in this machine, in bytes.
///
/// # Errors
/// What the system says.
pub fn limit_unsent<'s>(socket: impl Into<SockRef<'s>>, bytes: u32) -> io::Result<()> {
    system::socket::limit_unsent(&socket.into(), bytes)
}
