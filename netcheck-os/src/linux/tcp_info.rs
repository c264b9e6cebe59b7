//! The state of a connection: `TCP_INFO` (tcp(7)), and what this machine asks of every SYN (proc(5)).

use std::io;

use nix::libc;
use socket2::Socket;

use super::sockopt;
use crate::tcp_info::TcpInfo;

/// As much of the kernel's `struct tcp_info` as is read: what every kernel since Linux 4.6 fills.
const LENGTH: usize = 152;
/// Where `tcpi_options`, `tcpi_unacked`, `tcpi_total_retrans` and `tcpi_notsent_bytes` are (linux/tcp.h).
const OPTIONS: usize = 5;
const UNACKED: usize = 24;
const TOTAL_RETRANSMISSIONS: usize = 100;
const UNSENT: usize = 144;
/// `TCPI_OPT_ECN` of linux/tcp.h.
const ECN: u8 = 8;

/// Reads the state of a connection (`TCP_INFO`).
pub(crate) fn read(socket: &Socket) -> io::Result<TcpInfo> {
    let state = sockopt::read_whole::<LENGTH>(socket, libc::IPPROTO_TCP, libc::TCP_INFO)?;
    let word = |at: usize| {
        let bytes = state.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    };
    Ok(TcpInfo {
        unacknowledged: word(UNACKED),
        unsent: word(UNSENT),
        retransmissions: word(TOTAL_RETRANSMISSIONS),
        ecn: state[OPTIONS] & ECN != 0,
    })
}

/// `net.ipv4.tcp_ecn`, which IPv6 follows too.
pub(crate) fn asks_for_ecn() -> bool {
    std::fs::read_to_string("/proc/sys/net/ipv4/tcp_ecn").is_ok_and(|value| value.trim() == "1")
}
