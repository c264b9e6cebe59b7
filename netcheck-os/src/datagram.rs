//! What the system tells of a received datagram: when it arrived, however late it is read, and its DSCP.

use std::io;
use std::time::Duration;

use socket2::SockRef;

use crate::{Sight, system};

/// A datagram that was received.
#[derive(Clone, Copy, Debug, Default)]
pub struct Received {
    /// Its length; a longer one than there was space for is cut.
    pub length: usize,
    /// How long it has waited on this machine for being read.
    pub waited: Sight<Duration>,
    /// The DSCP it arrived with (RFC 2474).
    pub dscp: Sight<u8>,
}

/// Asks the system to tell [`receive`] of what this socket receives from now on; whether it will.
pub fn listen<'s>(socket: impl Into<SockRef<'s>>, v6: bool) -> bool {
    system::datagram::listen(&socket.into(), v6).is_ok()
}

/// Receives one datagram into `space`.
///
/// # Errors
/// What recv(2) says.
pub fn receive<'s>(socket: impl Into<SockRef<'s>>, space: &mut [u8]) -> io::Result<Received> {
    system::datagram::receive(&socket.into(), space)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the peers of these tests open sockets of their own")]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn received(v6: bool, listened: bool) -> Received {
        let here = if v6 { "[::1]:0" } else { "127.0.0.1:0" };
        let (here, peer) = (UdpSocket::bind(here).unwrap(), UdpSocket::bind(here).unwrap());
        if listened {
            assert!(listen(&here, v6));
        }
        let marked = SockRef::from(&peer);
        if v6 { marked.set_tclass_v6(46 << 2) } else { marked.set_tos_v4(46 << 2) }.unwrap();
        peer.send_to(b"hello", here.local_addr().unwrap()).unwrap();
        let mut space = [0; 8];
        let received = receive(&here, &mut space).unwrap();
        assert_eq!(&space[..received.length], b"hello");
        received
    }

    #[test]
    fn the_time_of_arrival_and_the_dscp_are_told_where_they_were_asked_for() {
        for v6 in [false, true] {
            let told = received(v6, true);
            assert_eq!(told.dscp, Sight::Seen(46));
            assert!(told.waited.seen().is_some());
            let silent = received(v6, false);
            assert!(silent.dscp.is_blind() && silent.waited.is_blind());
        }
    }
}
