//! Which permit entry of the profile covers a target, and how much of it a finding affects.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use netcheck_record::record::Verdict;

use super::findings::HOSTS;
use super::request::Rule;
use crate::allowlist::destination::{self, Destination};
use crate::ports;
use crate::profile::Profile;
use crate::profile::row::Permit;
use crate::records::Observation;

/// A permit entry: the requirement's position, the permit's, and the transport.
type Entry = (usize, usize, &'static str);

/// The permits of a profile, and what works of each.
#[derive(Debug)]
pub(super) struct Permitted<'a> {
    profile: &'a Profile,
    /// The destinations of each permit, by requirement and permit; one list for each of its texts.
    destinations: BTreeMap<(usize, usize), Vec<Vec<Destination>>>,
    /// Hosts and ports of each entry that work.
    working: BTreeMap<Entry, BTreeSet<(&'a str, Option<u16>)>>,
}

impl<'a> Permitted<'a> {
    /// What works of each permit.
    pub(super) fn of(profile: &'a Profile, observations: &'a [Observation]) -> Permitted<'a> {
        let mut destinations = BTreeMap::new();
        for (at, row) in profile.rows.iter().enumerate() {
            for (number, permit) in row.permits.iter().enumerate() {
                let parsed = permit.to.iter().map(|to| destination::parse(to).unwrap_or_default());
                destinations.insert((at, number), parsed.collect());
            }
        }
        let mut permitted = Permitted { profile, destinations, working: BTreeMap::new() };
        for observation in observations {
            if observation.verdict == Verdict::Pass
                && let Some(entry) = permitted.entry(observation)
            {
                let host = observation.endpoint.host();
                permitted.working.entry(entry).or_default().insert((host, observation.port()));
            }
        }
        permitted
    }

    /// The entry that covers a target.
    fn entry(&self, observation: &Observation) -> Option<Entry> {
        let row = self.profile.rows.iter().position(|row| row.name == observation.labels.requirement)?;
        let transport = observation.endpoint.transport();
        let permits = &self.profile.rows[row].permits;
        let fits = |number: &usize| covers_port(&permits[*number], transport, observation.port());
        let candidates: Vec<usize> = (0..permits.len()).filter(fits).collect();
        let named = candidates.iter().copied().find(|number| {
            self.destinations[&(row, *number)].iter().flatten().any(|to| holds(to, observation))
        });
        // Names of a block's hosts are not in it; their addresses are, where they are known.
        let block = candidates.iter().copied().find(|number| {
            let mut all = self.destinations[&(row, *number)].iter().flatten();
            all.any(|to| matches!(to, Destination::Block(_))) && observation.address().is_none()
        });
        named.or(block).map(|number| (row, number, transport))
    }

    /// The rules that cover observations; whole permit entries where nothing of them works. And how many observations are
    /// of hosts beyond those that are named.
    pub(super) fn rules(&self, members: &[usize], observations: &[Observation]) -> (Vec<Rule>, u64) {
        let mut entries: BTreeMap<Entry, Vec<&Observation>> = BTreeMap::new();
        let mut stray: Vec<&Observation> = Vec::new();
        for observation in members.iter().map(|at| &observations[*at]) {
            match self.entry(observation) {
                Some(entry) => entries.entry(entry).or_default().push(observation),
                None => stray.push(observation),
            }
        }
        let mut rules: Vec<Rule> = Vec::new();
        let mut unnamed = 0;
        for (entry, affected) in entries {
            rules.extend(self.of_entry(entry, &affected, &mut unnamed));
        }
        let (of_hosts, strays) = super::findings::destinations(stray.into_iter());
        rules.extend(of_hosts.into_iter().map(|destination| Rule {
            rule: destination.host,
            addresses: destination.addresses,
            protocol: destination.protocol,
            ports: destination.ports,
            optional: false,
        }));
        (merged(rules), unnamed + strays)
    }

    fn of_entry(&self, entry: Entry, affected: &[&Observation], unnamed: &mut u64) -> Vec<Rule> {
        let (row, number, transport) = entry;
        let permit = &self.profile.rows[row].permits[number];
        let hosts: BTreeSet<&str> = affected.iter().map(|one| one.endpoint.host()).collect();
        let nothing = BTreeSet::new();
        let working = self.working.get(&entry).unwrap_or(&nothing);
        // A host of which nothing is affected shows that the entry is open as such.
        let open: BTreeSet<&str> =
            working.iter().map(|(host, _)| *host).filter(|host| !hosts.contains(host)).collect();
        let numbers: Vec<u16> = affected.iter().filter_map(|one| one.port()).collect();
        let failing: BTreeSet<u16> = numbers.iter().copied().collect();
        let part = working
            .iter()
            .any(|(host, port)| hosts.contains(host) && port.is_some_and(|port| !failing.contains(&port)));
        let ports = match part {
            true => ports::text(numbers),
            // Other hosts work: of the entry's ports, those that were seen to fail, with their ranges.
            false if !open.is_empty() => touched_ranges(permit, transport, &failing),
            false => permit_ports(permit, transport).to_owned(),
        };
        let rule = |rule: String, of: &mut dyn Iterator<Item = &Observation>| Rule {
            rule,
            addresses: addresses(of),
            protocol: transport.to_owned(),
            ports: ports.replace(' ', "").replace(',', ", "),
            optional: false,
        };
        let all = || affected.iter().copied();
        let texts = &self.destinations[&(row, number)];
        let mut rules = Vec::new();
        for (text, destinations) in permit.to.iter().zip(texts) {
            let inside = |one: &Observation| destinations.iter().any(|to| holds(to, one));
            let untested = !affected.iter().any(|one| inside(one));
            let works = |host: &&&str| destinations.iter().any(|to| names(to, host));
            if open.is_empty() {
                rules.push(rule(text.clone(), &mut all().filter(|one| inside(one))));
            } else if untested {
                // Other hosts of the permit work: what was not tried stays out.
            } else if open.iter().any(|host| works(&host)) {
                let own = by_host(all().filter(|one| inside(one)), unnamed);
                rules.extend(own.into_iter().map(|(host, of)| rule(host.to_owned(), &mut of.into_iter())));
            } else {
                rules.push(rule(text.clone(), &mut all().filter(|one| inside(one))));
            }
        }
        if rules.is_empty() {
            let own = by_host(all(), unnamed);
            rules.extend(own.into_iter().map(|(host, of)| rule(host.to_owned(), &mut of.into_iter())));
        }
        rules
    }
}

/// Observations by their host, of the first hosts; the others are counted.
fn by_host<'a>(
    all: impl Iterator<Item = &'a Observation>,
    unnamed: &mut u64,
) -> BTreeMap<&'a str, Vec<&'a Observation>> {
    let mut hosts: BTreeMap<&str, Vec<&Observation>> = BTreeMap::new();
    for one in all {
        if hosts.len() >= HOSTS && !hosts.contains_key(one.endpoint.host()) {
            *unnamed += 1;
            continue;
        }
        hosts.entry(one.endpoint.host()).or_default().push(one);
    }
    hosts
}

/// The ranges of a permit that hold a failing port.
fn touched_ranges(permit: &Permit, transport: &str, failing: &BTreeSet<u16>) -> String {
    let ranges = ports::parse(permit_ports(permit, transport)).unwrap_or_default();
    let touched = ranges.into_iter().filter(|(first, last)| failing.range(*first..=*last).next().is_some());
    touched.map(ports::range).collect::<Vec<_>>().join(",")
}

/// Rules of one destination and port list, each once.
fn merged(rules: Vec<Rule>) -> Vec<Rule> {
    let mut known: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    let mut once: Vec<Rule> = Vec::new();
    for rule in rules {
        let key = (rule.rule.clone(), rule.protocol.clone(), rule.ports.clone());
        match known.get(&key) {
            Some(at) => once[*at].add_addresses(&rule),
            None => {
                known.insert(key, once.len());
                once.push(rule);
            }
        }
    }
    once
}

/// The addresses of observations without a proxy.
fn addresses(of: &mut dyn Iterator<Item = &Observation>) -> Vec<String> {
    let known: BTreeSet<IpAddr> = of.filter(|one| !one.proxied()).filter_map(|one| one.address()).collect();
    known.into_iter().map(|address| address.to_string()).collect()
}

fn permit_ports<'a>(permit: &'a Permit, transport: &str) -> &'a str {
    let ports = if transport == "UDP" { &permit.udp } else { &permit.tcp };
    ports.as_deref().unwrap_or_default()
}

fn covers_port(permit: &Permit, transport: &str, port: Option<u16>) -> bool {
    let ranges = ports::parse(permit_ports(permit, transport)).unwrap_or_default();
    match port {
        Some(port) => ranges.iter().any(|(first, last)| (*first..=*last).contains(&port)),
        None => true,
    }
}

/// Whether a destination holds a target, by its name or its address.
fn holds(destination: &Destination, observation: &Observation) -> bool {
    match destination {
        Destination::Block(block) => {
            let literal = observation.endpoint.host().parse().ok();
            literal
                .or(observation.address().filter(|_| !observation.proxied()))
                .is_some_and(|address| within(block, address))
        }
        _ => names(destination, observation.endpoint.host()),
    }
}

/// Whether a destination holds a name.
fn names(destination: &Destination, host: &str) -> bool {
    match destination {
        Destination::Name(name) => host == name,
        // Firewalls that take a wildcard take the domain itself with it; the profile's test hosts may be that domain.
        Destination::Under(domain) => {
            host == domain || host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
        }
        Destination::Block(block) => host.parse().is_ok_and(|address| within(block, address)),
    }
}

/// Whether an address is in `ADDRESS/BITS`.
fn within(block: &str, address: IpAddr) -> bool {
    let Some((network, bits)) = block.split_once('/') else { return false };
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let ((network, width), (address, other)) = (number(network), number(address));
    let mask = u128::MAX.checked_shl(128 - bits.min(128)).unwrap_or(0);
    width == other && network & mask == address & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_its_block_and_in_no_other() {
        let address = |text: &str| text.parse().unwrap();
        assert!(within("17.0.0.0/8", address("17.57.144.20")));
        assert!(!within("17.0.0.0/8", address("18.57.144.20")));
        assert!(within("0.0.0.0/0", address("18.57.144.20")));
        assert!(within("2620:149::/32", address("2620:149:a44::1")));
        assert!(!within("17.0.0.0/8", address("2620:149:a44::1")));
    }

    #[test]
    fn a_wildcard_holds_the_domain_and_what_is_under_it() {
        let under = Destination::Under("spotme.com".into());
        assert!(names(&under, "spotme.com") && names(&under, "www.spotme.com"));
        assert!(!names(&under, "notspotme.com"));
    }
}
