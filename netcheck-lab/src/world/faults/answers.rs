//! What the client's resolver does with which names.

use std::collections::BTreeMap;
use std::io;

use serde::Deserialize;

use super::super::internet::World;
use super::super::names::{hosts, zone};
use crate::dns::Zone;

/// Names are exact, or `*.zone` for every name under a zone, or `*` for all.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answers {
    /// Names that do not exist.
    pub nxdomain: Vec<String>,
    /// Names it refuses.
    pub refused: Vec<String>,
    /// Names it fails on.
    pub servfail: Vec<String>,
    /// Names it says nothing about.
    pub silent: Vec<String>,
    /// Names it answers with something that is no message.
    pub garbage: Vec<String>,
    /// Names with an extended error (RFC 8914), and its number.
    pub extended: BTreeMap<String, u16>,
    /// Names whose reply does not fit a datagram: truncated over UDP, whole over TCP.
    pub truncated: Vec<String>,
    /// Names whose questions for IPv6 addresses are dropped.
    pub aaaa_silent: Vec<String>,
    /// Questions with EDNS are dropped.
    pub edns_silent: bool,
    /// Names with another address.
    pub address: BTreeMap<String, String>,
    /// No resolver at all.
    pub absent: bool,
}

impl Answers {
    /// Starts the client's resolver.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn place(&self, world: &mut World) -> io::Result<()> {
        if self.absent {
            return Ok(());
        }
        let (mut faults, known) = self.faults();
        if self.edns_silent {
            faults = faults.without_edns();
        }
        for name in matching(&self.aaaa_silent) {
            faults = faults.without_aaaa(&name);
        }
        world.resolver(zone(faults, &known))
    }

    /// The wrong answers, and the names that have one.
    fn faults(&self) -> (Zone, Vec<String>) {
        let mut zone = Zone::new();
        let mut known = Vec::new();
        let mut each = |patterns: &[String], fault: &dyn Fn(Zone, &str) -> Zone| {
            for name in matching(patterns) {
                zone = fault(std::mem::take(&mut zone), &name);
                known.push(name);
            }
        };
        each(&self.nxdomain, &|zone, name| zone.rcode(name, 3));
        each(&self.refused, &|zone, name| zone.rcode(name, 5));
        each(&self.servfail, &|zone, name| zone.rcode(name, 2));
        each(&self.silent, &|zone, name| zone.silent(name));
        each(&self.garbage, &|zone, name| zone.garbage(name));
        let first = hosts().into_iter().map(|(name, v4, _)| (name, v4)).collect::<BTreeMap<_, _>>();
        each(&self.truncated, &|zone, name| {
            let addresses: Vec<&str> = first[name].iter().map(String::as_str).collect();
            zone.truncated(name, &addresses)
        });
        for (pattern, code) in &self.extended {
            let rcode = if *code == 15 { 3 } else { 5 };
            each(std::slice::from_ref(pattern), &|zone, name| {
                zone.ede(name, rcode, *code, "blocked by policy")
            });
        }
        for (pattern, address) in &self.address {
            let is_v6 = address.contains(':');
            each(std::slice::from_ref(pattern), &|zone, name| {
                if is_v6 { zone.aaaa(name, &[address]) } else { zone.a(name, &[address]) }
            });
        }
        // Where every name is answered so, names that do not exist are too.
        if let Some(address) = self.address.get("*") {
            zone = zone.wildcard("", &[address]);
        }
        (zone, known)
    }
}

/// The hosts that a list of patterns names.
fn matching(patterns: &[String]) -> impl Iterator<Item = String> {
    hosts()
        .into_iter()
        .map(|(name, ..)| name)
        .filter(move |name| patterns.iter().any(|pattern| covers(pattern, name)))
}

fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(rest) => name.ends_with(rest),
        None => pattern == name,
    }
}
