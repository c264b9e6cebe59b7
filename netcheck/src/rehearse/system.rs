//! What the system tells of its way to the network: routes, addresses, interfaces and resolvers, and what changes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netcheck_os::names;
use netcheck_os::network::{self, Route};
use netcheck_record::escape;
use serde::{Deserialize, Serialize};

/// The most that is kept of each part.
const MOST: usize = 64;
/// How much of the list of resolvers is read, in bytes.
const LONGEST: u64 = 64 << 10;

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
        for (name, v6) in [("default route (IPv4)", false), ("default route (IPv6)", true)] {
            if let Some(route) = network::default_route(v6) {
                parts.insert(name.to_owned(), way(&route));
            }
        }
        if let Some(servers) = resolvers(&names::resolvers(LONGEST)) {
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
    for one in network::interfaces().into_iter().filter(|one| !one.loopback).take(MOST) {
        let name = escape::line(&one.name, 40);
        parts.insert(format!("interface {name}"), if one.up { "up" } else { "down" }.to_owned());
        let known = one.addresses.iter().filter(|address| match address {
            IpAddr::V4(_) => true,
            IpAddr::V6(ip) => !ip.is_unicast_link_local(),
        });
        let mut list: Vec<String> = known.map(IpAddr::to_string).collect();
        list.sort();
        list.truncate(MOST);
        if !list.is_empty() {
            parts.insert(format!("addresses of {name}"), list.join(", "));
        }
    }
}

fn way(route: &Route) -> String {
    let interface = escape::line(&route.interface, 40);
    match route.gateway {
        Some(gateway) => format!("{gateway} on {interface}"),
        None => format!("on {interface}"),
    }
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

    #[test]
    fn a_route_names_its_router_and_its_interface() {
        let route = |gateway: Option<&str>| Route {
            gateway: gateway.map(|gateway| gateway.parse().unwrap()),
            interface: "eth0".to_owned(),
        };
        assert_eq!(way(&route(Some("10.0.0.1"))), "10.0.0.1 on eth0");
        assert_eq!(way(&route(None)), "on eth0");
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
