//! The counters of a connection: `TCP_INFO` (tcp(7)); linux/tcp.h gives the offsets.

use std::io;
use std::time::Duration;

use nix::libc;
use socket2::Socket;

use super::sockopt;
use crate::tcp_counters::TcpCounters;

/// As much of `struct tcp_info` as is read: up to `tcpi_rcv_ooopack`.
const LENGTH: usize = 228;
/// The first kernel whose structure is that long.
const SINCE: (u32, u32) = (5, 4);

/// Reads the structure.
fn decode(bytes: &[u8; LENGTH]) -> TcpCounters {
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

/// Whether this kernel's structure is long enough.
pub(crate) fn is_available() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    version(&release).is_some_and(|version| version >= SINCE)
}

/// Reads what TCP has sent and what is acknowledged (`TCP_INFO`).
pub(crate) fn read(socket: &Socket) -> io::Result<TcpCounters> {
    let waiting = sockopt::unacknowledged(socket);
    let counters = decode(&sockopt::read_whole(socket, libc::IPPROTO_TCP, libc::TCP_INFO)?);
    // `tcpi_bytes_sent` also counts what a queue of this machine refused and TCP sends later: it is only the next best.
    let written = waiting.map_or(counters.written, |waiting| counters.acknowledged + waiting);
    Ok(TcpCounters { written, ..counters })
}

/// Major and minor number of a kernel release: `6.18.44-fc` is (6, 18).
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_release_has_two_numbers() {
        assert_eq!(version("6.18.44-fc-v669"), Some((6, 18)));
        assert_eq!(version("4.18.0-553.el8_10.x86_64\n"), Some((4, 18)));
        assert_eq!(version("unknown"), None);
    }
}
