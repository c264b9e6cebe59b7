//! How much a TCP connection has delivered, and what held it back.

use std::time::Duration;

use netcheck_record::rung::Limit;
use socket2::{SockRef, Socket};

use crate::{Sense, system};

/// Counters of one connection since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpCounters {
    /// Bytes the peer's TCP has acknowledged.
    pub acknowledged: u64,
    /// Bytes the kernel has taken from this program, sent or not.
    pub written: u64,
    /// Bytes that were sent again.
    pub retransmitted: u64,
    /// The shortest round trip.
    pub min_round_trip: Duration,
    /// How long there was something to send or to be acknowledged.
    pub busy: Duration,
    /// How long of that the peer's receive window held the sender back.
    pub receiver_limited: Duration,
    /// How long of that this machine's send buffer did.
    pub sender_limited: Duration,
    /// Bytes received in order.
    pub received: u64,
    /// Since when no data has come.
    pub quiet: Duration,
    /// Packets that were received out of order: others were lost or late.
    pub out_of_order: u64,
    /// The round trip as the receiver of data estimates it, the queues on the path included.
    pub receive_round_trip: Duration,
}

impl TcpCounters {
    /// Bytes that wait: unsent, or sent and not acknowledged.
    #[must_use]
    pub fn outstanding(&self) -> u64 {
        self.written.saturating_sub(self.acknowledged)
    }

    /// What held a sender back for most of the time in which it was busy since `first` (Linux 4.10).
    #[must_use]
    pub fn limit_since(&self, first: &TcpCounters) -> Limit {
        let spent = |time: fn(&TcpCounters) -> Duration| time(self).saturating_sub(time(first));
        let busy = spent(|counters| counters.busy);
        if spent(|counters| counters.receiver_limited) * 2 > busy {
            Limit::Receiver
        } else if spent(|counters| counters.sender_limited) * 2 > busy {
            Limit::Sender
        } else {
            Limit::Path
        }
    }
}

/// A second handle of a connection, to ask the system about it. It is closed together with the stream.
#[derive(Debug)]
pub struct TcpHandle(Socket);

impl TcpHandle {
    /// A handle of `stream`; `None` where the system does not count, or no descriptor is free.
    pub fn of<'s>(stream: impl Into<SockRef<'s>>) -> Option<TcpHandle> {
        if Sense::Acked.is_blind() || !system::tcp_counters::is_available() {
            return None;
        }
        stream.into().try_clone().ok().map(TcpHandle)
    }

    /// The counters now.
    #[must_use]
    pub fn counters(&self) -> Option<TcpCounters> {
        system::tcp_counters::read(&self.0).ok()
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "both peers of this test open sockets of their own")]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn what_a_peer_has_read_is_acknowledged_and_nothing_is_outstanding() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let handle = TcpHandle::of(&stream).unwrap();
        let before = handle.counters().unwrap();
        assert_eq!((before.acknowledged, before.written), (0, 0));
        stream.write_all(&[7; 10_000]).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        peer.read_exact(&mut [0; 10_000]).unwrap();
        while handle.counters().unwrap().outstanding() > 0 {
            std::thread::yield_now();
        }
        assert_eq!(handle.counters().unwrap().acknowledged, 10_000);
        assert_eq!(handle.counters().unwrap().retransmitted, 0);
    }
}
