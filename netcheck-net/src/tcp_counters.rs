//! How much a TCP connection has delivered, and what held it back (tcp(7), `TCP_INFO`; linux/tcp.h gives the offsets).

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use netcheck_record::rung::Limit;
use nix::sys::socket::getsockopt;
use tokio::net::TcpStream;

/// As much of `struct tcp_info` as is read: up to `tcpi_rcv_ooopack`.
const LENGTH: usize = 228;
/// The first kernel whose structure is that long.
const SINCE: (u32, u32) = (5, 4);

mod option {
    //! `TCP_INFO`, which no crate offers ready-made.
    use nix::libc;
    use nix::sys::socket::sockopt::GetStruct;

    use super::LENGTH;

    /// `TCP_INFO`.
    #[derive(Clone, Copy, Debug)]
    pub struct Info;
    nix::getsockopt_impl!(Info, libc::IPPROTO_TCP, libc::TCP_INFO, [u8; LENGTH], GetStruct<[u8; LENGTH]>);
}

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
    /// Reads the structure.
    fn read(bytes: &[u8; LENGTH]) -> TcpCounters {
        let long = |at: usize| {
            let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk());
            bytes.map_or(0, |bytes| u64::from_ne_bytes(*bytes))
        };
        let short = |at: usize| {
            let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk());
            bytes.map_or(0, |bytes| u64::from(u32::from_ne_bytes(*bytes)))
        };
        TcpCounters {
            // The SYN counts as one.
            acknowledged: long(120).saturating_sub(1),
            written: (long(200) + short(144)).saturating_sub(long(208)),
            retransmitted: long(208),
            min_round_trip: Duration::from_micros(short(148)),
            busy: Duration::from_micros(long(168)),
            receiver_limited: Duration::from_micros(long(176)),
            sender_limited: Duration::from_micros(long(184)),
            received: long(128),
            out_of_order: short(224),
            quiet: Duration::from_millis(short(52)),
            receive_round_trip: Duration::from_micros(short(92)),
        }
    }

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

/// A second handle of a connection, to ask the kernel about it. It is closed together with the stream.
#[derive(Debug)]
pub struct TcpHandle(OwnedFd);

impl TcpHandle {
    /// A handle of `stream`; `None` where the kernel is too old or no descriptor is free.
    #[must_use]
    pub fn of(stream: &TcpStream) -> Option<TcpHandle> {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
        if version(&release)? < SINCE {
            return None;
        }
        stream.as_fd().try_clone_to_owned().ok().map(TcpHandle)
    }

    /// The counters now.
    #[must_use]
    pub fn counters(&self) -> Option<TcpCounters> {
        getsockopt(&self.0, option::Info).ok().map(|bytes| TcpCounters::read(&bytes))
    }
}

/// Major and minor number of a kernel release: `6.18.44-fc` is (6, 18).
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the peer of this test opens a socket of its own")]
mod tests {
    use std::io::Read as _;

    use crate::clock;
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[test]
    fn a_kernel_release_has_two_numbers() {
        assert_eq!(version("6.18.44-fc-v669"), Some((6, 18)));
        assert_eq!(version("4.18.0-553.el8_10.x86_64\n"), Some((4, 18)));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn what_a_peer_has_read_is_acknowledged_and_nothing_is_outstanding() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let mut stream = TcpStream::connect(address).await.unwrap();
            let handle = TcpHandle::of(&stream).unwrap();
            let before = handle.counters().unwrap();
            assert_eq!((before.acknowledged, before.written), (0, 0));
            stream.write_all(&[7; 10_000]).await.unwrap();
            let (mut peer, _) = listener.accept().unwrap();
            peer.read_exact(&mut [0; 10_000]).unwrap();
            while handle.counters().unwrap().outstanding() > 0 {
                clock::pause(Duration::from_millis(1)).await;
            }
            assert_eq!(handle.counters().unwrap().acknowledged, 10_000);
            assert_eq!(handle.counters().unwrap().retransmitted, 0);
        });
    }
}
