//! ICMP messages that reach a socket: which one, and who sent it.

use std::io;
use std::net::IpAddr;

use socket2::{SockRef, Type};

use crate::{Sense, Sight, system};

/// An ICMP error that reached a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Whether it is ICMPv6.
    pub v6: bool,
    /// Its type.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// Who sent it.
    pub sender: Option<IpAddr>,
    /// The next hop's MTU, where the packet was too big (RFC 1191, RFC 8201).
    pub mtu: Option<u32>,
}

/// Asks the system to keep ICMP errors of this socket for [`take`].
pub fn listen<'s>(socket: impl Into<SockRef<'s>>, v6: bool) {
    let socket = socket.into();
    let sense = sense_of(&socket);
    if !sense.is_blind() {
        // Where the system lacks the option the errno still tells a part of it.
        let _ = sense.told(system::icmp::listen(&socket, v6, true));
    }
}

/// Stops that: stray ICMP errors must not break an open stream.
pub fn ignore<'s>(socket: impl Into<SockRef<'s>>, v6: bool) {
    let socket = socket.into();
    if !sense_of(&socket).is_blind() {
        let _ = system::icmp::listen(&socket, v6, false);
    }
}

/// Takes the next ICMP error.
pub fn take<'s>(socket: impl Into<SockRef<'s>>) -> Sight<Message> {
    let socket = socket.into();
    if sense_of(&socket).is_blind() { Sight::Blind } else { system::icmp::take(&socket).into() }
}

fn sense_of(socket: &SockRef<'_>) -> Sense {
    if socket.r#type().is_ok_and(|kind| kind == Type::STREAM) { Sense::TcpIcmp } else { Sense::UdpIcmp }
}

/// Sets "do not fragment" on what this socket sends, and lets it be larger than what the system knows of the path.
///
/// # Errors
/// The system does not let us.
pub fn do_not_fragment<'s>(socket: impl Into<SockRef<'s>>, v6: bool) -> io::Result<()> {
    system::icmp::do_not_fragment(&socket.into(), v6)
}
