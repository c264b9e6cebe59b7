//! What the system tells of its way to the network: routes, addresses, interfaces and resolvers, and what changes.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};

use netcheck_record::escape;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use serde::{Deserialize, Serialize};

/// The most that is kept of each part.
const MOST: usize = 64;

/// How the change of a resolver's answer begins.
pub(super) const ANSWER: &str = "DNS answer for ";

/// One thing that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    /// When it was noticed (RFC 3339, UTC).
    pub(super) at: String,
    /// What it is: `default route (IPv4)`, `addresses of eth0`, `interface eth0`, `resolvers`,
    /// `DNS answer for a.example`.
    pub(super) what: String,
    /// What it was before; absent where it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<String>,
    /// What it is now; absent where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<String>,
}

impl Change {
    /// Whether it is what a resolver answers for a name.
    pub(super) fn is_answer(&self) -> bool {
        self.what.starts_with(ANSWER)
    }

    /// In words: `default route (IPv4): before 10.0.0.1 on eth0, now none`.
    pub(super) fn words(&self) -> String {
        let value = |text: &Option<String>| text.as_deref().unwrap_or("none").to_owned();
        format!("{}: before {}, now {}", self.what, value(&self.before), value(&self.after))
    }
}

/// What the system tells at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot(BTreeMap<String, String>);

impl Snapshot {
    /// Asks the system. What it does not tell is left out.
    pub(super) fn take() -> Snapshot {
        let mut parts = BTreeMap::new();
        interfaces(&mut parts);
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        if let Some(route) = default_ipv4(&text("/proc/net/route")) {
            parts.insert("default route (IPv4)".to_owned(), route);
        }
        if let Some(route) = default_ipv6(&text("/proc/net/ipv6_route")) {
            parts.insert("default route (IPv6)".to_owned(), route);
        }
        if let Some(servers) = resolvers(&text("/etc/resolv.conf")) {
            parts.insert("resolvers".to_owned(), servers);
        }
        Snapshot(parts)
    }

    /// What is different in `later`.
    pub(super) fn changes(&self, later: &Snapshot, at: &str) -> Vec<Change> {
        let names = self.0.keys().chain(later.0.keys().filter(|name| !self.0.contains_key(*name)));
        let both = names.map(|name| (name, self.0.get(name), later.0.get(name)));
        both.filter(|(_, before, after)| before != after)
            .map(|(name, before, after)| Change {
                at: at.to_owned(),
                what: name.clone(),
                before: before.cloned(),
                after: after.cloned(),
            })
            .collect()
    }
}

/// Interfaces that are up, and their addresses without those that only the link knows.
fn interfaces(parts: &mut BTreeMap<String, String>) {
    let Ok(all) = getifaddrs() else { return };
    let mut addresses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in all.take(MOST * MOST) {
        if one.flags.contains(InterfaceFlags::IFF_LOOPBACK) {
            continue;
        }
        let name = escape::line(&one.interface_name, 40);
        let running = one.flags.contains(InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING);
        let state = if running { "up" } else { "down" };
        parts.insert(format!("interface {name}"), state.to_owned());
        let Some(address) = one.address else { continue };
        let ipv4 = address.as_sockaddr_in().map(|known| known.ip().to_string());
        let ipv6 = address.as_sockaddr_in6().map(|known| known.ip());
        let ipv6 = ipv6.filter(|ip| !ip.is_unicast_link_local()).map(|ip| ip.to_string());
        addresses.entry(name).or_default().extend(ipv4.or(ipv6));
    }
    for (name, mut list) in addresses.into_iter().filter(|(_, list)| !list.is_empty()) {
        list.sort();
        list.truncate(MOST);
        parts.insert(format!("addresses of {name}"), list.join(", "));
    }
}

/// The default route with the lowest metric in /proc/net/route (proc_net(5)): hexadecimal numbers in host order.
fn default_ipv4(text: &str) -> Option<String> {
    let routes = text.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (name, gateway, mask) = (fields.first()?, fields.get(2)?, fields.get(7)?);
        let flags = u16::from_str_radix(fields.get(3)?, 16).ok()?;
        let up = *fields.get(1)? == "00000000" && *mask == "00000000" && flags & 1 == 1;
        let gateway = Ipv4Addr::from(u32::from_str_radix(gateway, 16).ok()?.to_ne_bytes());
        let metric: u32 = fields.get(6)?.parse().ok()?;
        up.then(|| (metric, way(&gateway.to_string(), gateway.is_unspecified(), name)))
    });
    routes.min().map(|(_, route)| route)
}

/// The default route with the lowest metric in /proc/net/ipv6_route.
fn default_ipv6(text: &str) -> Option<String> {
    let routes = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let zero = "00000000000000000000000000000000";
        let name = fields.get(9)?;
        let unreachable = u32::from_str_radix(fields.get(8)?, 16).ok()? & 0x200 != 0;
        if *fields.first()? != zero || *fields.get(1)? != "00" || *name == "lo" || unreachable {
            return None;
        }
        let gateway = Ipv6Addr::from(u128::from_str_radix(fields.get(4)?, 16).ok()?);
        let metric = u32::from_str_radix(fields.get(5)?, 16).ok()?;
        Some((metric, way(&gateway.to_string(), gateway.is_unspecified(), name)))
    });
    routes.min().map(|(_, route)| route)
}

fn way(gateway: &str, none: bool, interface: &str) -> String {
    let interface = escape::line(interface, 40);
    if none { format!("on {interface}") } else { format!("{gateway} on {interface}") }
}

/// The name servers of resolv.conf(5).
fn resolvers(text: &str) -> Option<String> {
    let servers = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let servers: Vec<String> = servers.map(|server| escape::line(server.trim(), 60)).take(8).collect();
    (!servers.is_empty()).then(|| servers.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        wlan0\t00000000\t0114140A\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
        eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
        eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";

    #[test]
    fn the_route_with_the_lowest_metric_is_the_default() {
        assert_eq!(default_ipv4(ROUTES).as_deref(), Some("10.0.0.1 on eth0"));
        assert_eq!(default_ipv4("Iface\n"), None);
        let zero = "0".repeat(32);
        let line =
            |gateway: &str, flags, name| format!("{zero} 00 {zero} 00 {gateway} 00000400 1 0 {flags} {name}");
        let text =
            [line(&zero, "00200200", "lo"), line("fe800000000000000000000000000001", "00000003", "eth0")];
        assert_eq!(default_ipv6(&text.join("\n")).as_deref(), Some("fe80::1 on eth0"));
    }

    #[test]
    fn a_change_tells_what_was_and_what_is() {
        let snapshot = |parts: &[(&str, &str)]| {
            Snapshot(parts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let before = snapshot(&[("default route (IPv4)", "10.0.0.1 on eth0"), ("interface eth0", "up")]);
        let after = snapshot(&[("interface eth0", "up"), ("interface tun0", "up")]);
        let words: Vec<String> = before.changes(&after, "").iter().map(Change::words).collect();
        assert_eq!(
            words,
            [
                "default route (IPv4): before 10.0.0.1 on eth0, now none",
                "interface tun0: before none, now up"
            ]
        );
        assert_eq!(before.changes(&before, ""), []);
    }

    #[test]
    fn name_servers_are_read_as_they_are_listed() {
        let text = "# made by hand\nsearch example.com\nnameserver 10.0.0.53\n nameserver fd00::53\n";
        assert_eq!(resolvers(text).as_deref(), Some("10.0.0.53, fd00::53"));
        assert_eq!(resolvers(""), None);
    }
}
