//! What the kernel knows of a TCP connection (tcp(7), `TCP_INFO`; linux/tcp.h gives the offsets).

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::sys::socket::getsockopt;
use tokio::net::TcpStream;

/// As much of `struct tcp_info` as is read: up to `tcpi_bytes_retrans`.
const LENGTH: usize = 216;
/// The first kernel whose structure is that long.
const SINCE: (u32, u32) = (4, 19);

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
pub struct TcpInfo {
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
}

impl TcpInfo {
    /// Reads the structure.
    fn read(bytes: &[u8; LENGTH]) -> TcpInfo {
        let long = |at: usize| {
            let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk());
            bytes.map_or(0, |bytes| u64::from_ne_bytes(*bytes))
        };
        let short = |at: usize| {
            let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk());
            bytes.map_or(0, |bytes| u64::from(u32::from_ne_bytes(*bytes)))
        };
        TcpInfo {
            // The SYN counts as one.
            acknowledged: long(120).saturating_sub(1),
            written: (long(200) + short(144)).saturating_sub(long(208)),
            retransmitted: long(208),
            min_round_trip: Duration::from_micros(short(148)),
            busy: Duration::from_micros(long(168)),
            receiver_limited: Duration::from_micros(long(176)),
            sender_limited: Duration::from_micros(long(184)),
        }
    }

    /// Bytes that wait: unsent, or sent and not acknowledged.
    pub fn outstanding(&self) -> u64 {
        self.written.saturating_sub(self.acknowledged)
    }
}

/// A second handle of a connection, to ask the kernel about it. It is closed together with the stream.
#[derive(Debug)]
pub struct TcpHandle(OwnedFd);

impl TcpHandle {
    /// A handle of `stream`; `None` where the kernel is too old or no descriptor is free.
    pub fn of(stream: &TcpStream) -> Option<TcpHandle> {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
        if version(&release)? < SINCE {
            return None;
        }
        stream.as_fd().try_clone_to_owned().ok().map(TcpHandle)
    }

    /// The counters now.
    pub fn info(&self) -> Option<TcpInfo> {
        getsockopt(&self.0, option::Info).ok().map(|bytes| TcpInfo::read(&bytes))
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

    use netcheck_common::clock;
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
            let before = handle.info().unwrap();
            assert_eq!((before.acknowledged, before.written), (0, 0));
            stream.write_all(&[7; 10_000]).await.unwrap();
            let (mut peer, _) = listener.accept().unwrap();
            peer.read_exact(&mut [0; 10_000]).unwrap();
            while handle.info().unwrap().outstanding() > 0 {
                clock::pause(Duration::from_millis(1)).await;
            }
            assert_eq!(handle.info().unwrap().acknowledged, 10_000);
            assert_eq!(handle.info().unwrap().retransmitted, 0);
        });
    }
}
