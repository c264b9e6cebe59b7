//! `TCP_MAXSEG` (tcp(7)).

use std::io;

use socket2::Socket;

/// Sets the maximum segment size in bytes (`TCP_MAXSEG`).
pub(crate) fn set(socket: &Socket, bytes: u32) -> io::Result<()> {
    socket.set_tcp_mss(bytes)
}

/// The maximum segment size in bytes (`TCP_MAXSEG`).
pub(crate) fn get(socket: &Socket) -> io::Result<u32> {
    socket.tcp_mss()
}
