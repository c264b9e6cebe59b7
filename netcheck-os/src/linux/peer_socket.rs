//! The sockets of this machine, as the kernel lists them (proc(5)).

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, SocketAddr};

/// The kernel's tables of TCP sockets (proc(5)), and how much of each is read at most.
const TABLES: [&str; 2] = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
const LARGEST: u64 = 4 << 20;

pub(crate) fn is_on_this_machine(local: SocketAddr) -> bool {
    let wanted = written(local);
    TABLES.iter().any(|table| File::open(table).is_ok_and(|file| lists(file, &wanted)))
}

/// Whether one of the table's sockets has one of these for its remote end: the third column.
fn lists(table: impl Read, wanted: &[String]) -> bool {
    let lines = BufReader::new(table.take(LARGEST)).lines();
    lines.map_while(Result::ok).skip(1).any(|line| {
        line.split_whitespace().nth(2).is_some_and(|remote| wanted.iter().any(|wanted| wanted == remote))
    })
}

/// The address as the tables write it: 32-bit words in the machine's byte order, in hexadecimal; IPv4 also as the
/// IPv6 address of a socket for both families.
fn written(address: SocketAddr) -> Vec<String> {
    let words = |bytes: &[u8]| {
        bytes.chunks_exact(4).fold(String::new(), |mut text, word| {
            let word = u32::from_ne_bytes([word[0], word[1], word[2], word[3]]);
            // Writing into a string cannot fail.
            let _ = write!(text, "{word:08X}");
            text
        })
    };
    let port = address.port();
    match address.ip() {
        IpAddr::V4(ip) => {
            let mapped = ip.to_ipv6_mapped().octets();
            vec![format!("{}:{port:04X}", words(&ip.octets())), format!("{}:{port:04X}", words(&mapped))]
        }
        IpAddr::V6(ip) => vec![format!("{}:{port:04X}", words(&ip.octets()))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n\
         \x20  0: 0100007F:2328 0200090A:D23C 01 00000000:00000000 00:00000000 00000000\n\
         \x20  1: 0200090A:D23C 077100CB:0051 01 00000000:00000000 00:00000000 00000000\n";

    #[test]
    #[cfg(target_endian = "little")]
    fn the_end_of_a_connection_is_found_in_the_remote_column_only() {
        let listed = |address: &str| lists(TABLE.as_bytes(), &written(address.parse().unwrap()));
        assert!(listed("10.9.0.2:53820"));
        assert!(listed("203.0.113.7:81"));
        assert!(!listed("127.0.0.1:9000"));
        assert!(!listed("10.9.0.2:53821"));
    }
}
