//! The state of a connection: `TCP_INFO` (tcp(7)), and what this machine asks of every SYN (proc(5)).

use std::io;

use nix::libc;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::GetStruct;
use socket2::Socket;

use crate::tcp_info::TcpInfo;

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

pub(crate) fn read(socket: &Socket) -> io::Result<TcpInfo> {
    let raw = getsockopt(socket, option::Info)?;
    Ok(TcpInfo {
        unacknowledged: raw.words[UNACKED],
        unsent: raw.segments[2],
        retransmissions: raw.words[TOTAL_RETRANSMISSIONS],
        ecn: raw.state[OPTIONS] & ECN != 0,
    })
}

/// `net.ipv4.tcp_ecn`, which IPv6 follows too.
pub(crate) fn asks_for_ecn() -> bool {
    std::fs::read_to_string("/proc/sys/net/ipv4/tcp_ecn").is_ok_and(|value| value.trim() == "1")
}
