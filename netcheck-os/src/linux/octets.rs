//! The kernel's own count of octets (proc(5)).

use std::fs::File;
use std::io::Read;

/// How much of a table is read at most.
const LARGEST: u64 = 64 << 10;

pub(crate) fn sent(v6: bool) -> Option<u64> {
    let table = |name: &str| {
        let mut text = String::new();
        File::open(name).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
        Some(text)
    };
    if v6 { v6_octets(&table("/proc/self/net/snmp6")?) } else { v4_octets(&table("/proc/self/net/netstat")?) }
}

/// Two lines each: the names, and the numbers below them.
fn v4_octets(table: &str) -> Option<u64> {
    let mut lines = table.lines().filter_map(|line| line.strip_prefix("IpExt:"));
    let (names, numbers) = (lines.next()?, lines.next()?);
    let mut columns = names.split_whitespace().zip(numbers.split_whitespace());
    columns.find(|(name, _)| *name == "OutOctets")?.1.parse().ok()
}

fn v6_octets(table: &str) -> Option<u64> {
    table.lines().find_map(|line| line.strip_prefix("Ip6OutOctets"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read_by_name() {
        let table = "TcpExt: SyncookiesSent EmbryonicRsts\nTcpExt: 7 9\n\
            IpExt: InNoRoutes InOctets OutOctets\nIpExt: 0 1200 640\n";
        assert_eq!(v4_octets(table), Some(640));
        assert_eq!(v4_octets("IpExt: InOctets\nIpExt: 12\n"), None);
        assert_eq!(v6_octets("Ip6InOctets   \t12\nIp6OutOctets  \t31\n"), Some(31));
    }
}
