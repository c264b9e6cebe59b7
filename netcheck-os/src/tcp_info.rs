//! What the system knows of a TCP connection.

use socket2::SockRef;

use crate::{Sense, Sight, system};

/// The state of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpInfo {
    /// Segments that the peer has not acknowledged yet.
    pub unacknowledged: u32,
    /// Bytes that were written and that the kernel has not sent. After a write that fits the window there are none,
    /// unless this machine's own packet filter refuses to send them.
    pub unsent: u32,
    /// Retransmitted segments, SYNs included.
    pub retransmissions: u32,
    /// Both ends agreed on explicit congestion notification (RFC 3168).
    pub ecn: bool,
}

impl TcpInfo {
    /// Reads it.
    pub fn read<'s>(stream: impl Into<SockRef<'s>>) -> Sight<TcpInfo> {
        let sense = Sense::Acked;
        if sense.is_blind() { Sight::Blind } else { sense.told(system::tcp_info::read(&stream.into())) }
    }
}

/// Whether this machine asks for ECN in every SYN.
#[must_use]
pub fn asks_for_ecn() -> bool {
    system::tcp_info::asks_for_ecn()
}
