//! ASA: objects and an extended access list.

use std::collections::BTreeSet;

use super::destination::Destination;
use super::{Rule, joined};
use crate::target::Place;

const HEAD: &str = "\
! An access list does nothing until an interface has it, and ends with an implicit deny:
!   access-group NETCHECK in interface inside
!   access-group NETCHECK-IN in interface outside
! Names are resolved by the ASA itself (`dns domain-lookup`). NAT is configured apart.
";

/// The objects and the list. An ASA knows no wildcard names: their test hosts are listed instead, and a remark says so.
pub(super) fn text(rules: &[Rule]) -> String {
    let mut objects = BTreeSet::new();
    let mut list = String::new();
    for rule in rules {
        list.push_str(&format!("access-list NETCHECK remark {}\n", rule.comment()));
        if rule.inbound() {
            for from in &rule.permit.from {
                for (transport, port) in services(rule) {
                    list.push_str(&format!(
                        "access-list NETCHECK-IN extended permit {transport} host {from} any {port}\n"
                    ));
                }
            }
            continue;
        }
        let mut names = BTreeSet::new();
        let mut blocks = Vec::new();
        for to in &rule.to {
            match to {
                Destination::Name(name) => drop(names.insert(name.clone())),
                Destination::Block(block) => blocks.push(block.clone()),
                Destination::Under(name) => {
                    list.push_str(&format!(
                        "access-list NETCHECK remark *.{name} cannot be written: known hosts only\n"
                    ));
                    names.extend(test_hosts(rule, name));
                }
            }
        }
        objects.extend(names.iter().map(|name| format!("object network NETCHECK-{name}\n fqdn {name}\n")));
        for (transport, port) in services(rule) {
            for name in &names {
                list.push_str(&format!(
                    "access-list NETCHECK extended permit {transport} any object NETCHECK-{name} {port}\n"
                ));
            }
            for block in blocks.iter().filter_map(|block| masked(block)) {
                list.push_str(&format!(
                    "access-list NETCHECK extended permit {transport} any {block} {port}\n"
                ));
            }
        }
    }
    let objects: String = objects.into_iter().collect();
    format!("{HEAD}! Address objects\n{objects}!\n! The list\n{list}")
}

fn services(rule: &Rule) -> Vec<(&'static str, String)> {
    let one = |port: &(u16, u16)| match port {
        (first, last) if first == last => format!("eq {first}"),
        _ => format!("range {}", joined(&[*port], "", " ")),
    };
    rule.transports()
        .iter()
        .flat_map(|(transport, ports)| ports.iter().map(|port| (*transport, one(port))))
        .collect()
}

/// Hosts that the row's probes name under a wildcard.
fn test_hosts(rule: &Rule, under: &str) -> Vec<String> {
    let hosts = rule.row.probes.iter().flat_map(|probe| {
        let place = Place::of(&probe.target);
        super::destination::parse(&place.host).unwrap_or_default()
    });
    let suffix = format!(".{under}");
    hosts
        .filter_map(|host| match host {
            Destination::Name(name) if name == under || name.ends_with(&suffix) => Some(name),
            _ => None,
        })
        .collect()
}

/// `17.0.0.0/8` as address and mask; IPv6 as it stands.
fn masked(block: &str) -> Option<String> {
    let (address, bits) = block.split_once('/')?;
    if address.contains(':') {
        return Some(block.to_owned());
    }
    let bits: u32 = bits.parse().ok()?;
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    Some(format!("{address} {}", std::net::Ipv4Addr::from_bits(mask)))
}
