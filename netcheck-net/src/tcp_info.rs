//! What the kernel knows of a TCP connection: `TCP_INFO` (tcp(7)).

use nix::libc;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::GetStruct;
use tokio::net::TcpStream;

/// Where `tcpi_unacked` and `tcpi_total_retrans` are among the words, and `tcpi_options` in the state.
const UNACKED: usize = 4;
const TOTAL_RETRANSMISSIONS: usize = 23;
const OPTIONS: usize = 5;
/// `TCPI_OPT_ECN` of linux/tcp.h.
const ECN: u8 = 8;

mod option {
    //! The socket option, which no crate offers for older kernels.
    use super::{GetStruct, libc};

    /// The beginning of the kernel's `struct tcp_info`, which every kernel since Linux 4.6 fills.
    #[derive(Clone, Copy, Debug)]
    #[repr(C)]
    pub struct Raw {
        pub state: [u8; 8],
        /// From `tcpi_rto` to `tcpi_total_retrans`.
        pub words: [u32; 24],
        /// From `tcpi_pacing_rate` to `tcpi_bytes_received`.
        pub rates: [u64; 4],
        /// `tcpi_segs_out`, `tcpi_segs_in`, `tcpi_notsent_bytes`, `tcpi_min_rtt`.
        pub segments: [u32; 4],
    }

    /// `TCP_INFO`.
    #[derive(Clone, Copy, Debug)]
    pub struct Info;
    nix::getsockopt_impl!(Info, libc::IPPROTO_TCP, libc::TCP_INFO, Raw, GetStruct<Raw>);
}

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
    /// Reads it; none where the kernel does not tell.
    #[must_use]
    pub fn read(stream: &TcpStream) -> Option<TcpInfo> {
        let raw = getsockopt(stream, option::Info).ok()?;
        Some(TcpInfo {
            unacknowledged: raw.words[UNACKED],
            unsent: raw.segments[2],
            retransmissions: raw.words[TOTAL_RETRANSMISSIONS],
            ecn: raw.state[OPTIONS] & ECN != 0,
        })
    }
}

/// Whether this machine asks for ECN in every SYN (`net.ipv4.tcp_ecn`, which IPv6 follows too).
#[must_use]
pub fn asks_for_ecn() -> bool {
    std::fs::read_to_string("/proc/sys/net/ipv4/tcp_ecn").is_ok_and(|value| value.trim() == "1")
}
