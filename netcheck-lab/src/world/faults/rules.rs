//! Packet rules at a place: nftables, iptables, routes, queues and kernel settings.

use std::collections::BTreeMap;
use std::io;

use serde::Deserialize;

use super::super::internet::World;
use super::super::topology::setting;

/// The rules of one place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// `client`, `router1`, `router2` or `inet`.
    pub at: String,
    /// nftables rules on what passes through.
    #[serde(default)]
    pub forward: Vec<String>,
    /// nftables rules on what arrives for the place itself.
    #[serde(default)]
    pub input: Vec<String>,
    /// nftables rules on what the place itself sends.
    #[serde(default)]
    pub output: Vec<String>,
    /// nftables rules that change destinations of what arrives.
    #[serde(default)]
    pub prerouting: Vec<String>,
    /// nftables rules that change sources of what leaves.
    #[serde(default)]
    pub postrouting: Vec<String>,
    /// Arguments of iptables, a line each, for what nftables cannot match.
    #[serde(default)]
    pub iptables: Vec<String>,
    /// Lines for `ip -batch`.
    #[serde(default)]
    pub ip: Vec<String>,
    /// Arguments of tc, a line each.
    #[serde(default)]
    pub tc: Vec<String>,
    /// Kernel settings.
    #[serde(default)]
    pub sysctl: BTreeMap<String, String>,
}

impl Rules {
    /// Puts the rules in place.
    ///
    /// # Errors
    /// There is no such place, or a program refuses a rule.
    pub fn place(&self, world: &World) -> io::Result<()> {
        let place =
            world.network.place(&self.at).ok_or_else(|| io::Error::other(format!("no place {}", self.at)))?;
        let table = self.table();
        if !table.is_empty() {
            place.run("nft", &["-f", "-"], &table)?;
        }
        for line in &self.iptables {
            place.run("iptables", &words(line), "")?;
        }
        if !self.ip.is_empty() {
            place.run("ip", &["-batch", "-"], &(self.ip.join("\n") + "\n"))?;
        }
        for line in &self.tc {
            place.run("tc", &words(line), "")?;
        }
        place.inside(|| self.sysctl.iter().try_for_each(|(key, value)| setting(key, value)))
    }

    fn table(&self) -> String {
        let chains = [
            ("forward", "filter hook forward priority 0", &self.forward),
            ("input", "filter hook input priority 0", &self.input),
            ("output", "filter hook output priority 0", &self.output),
            ("prerouting", "nat hook prerouting priority dstnat", &self.prerouting),
            ("postrouting", "nat hook postrouting priority srcnat", &self.postrouting),
        ];
        let chain = |name: &str, hook: &str, rules: &[String]| {
            format!("chain {name} {{ type {hook};\n{}\n}}\n", rules.join("\n"))
        };
        let filled = chains.iter().filter(|(_, _, rules)| !rules.is_empty());
        let chains: String = filled.map(|(name, hook, rules)| chain(name, hook, rules)).collect();
        if chains.is_empty() { chains } else { format!("table inet scenario {{\n{chains}}}\n") }
    }
}

/// Splits as a shell does with double quotes.
fn words(line: &str) -> Vec<&str> {
    line.split('"')
        .enumerate()
        .flat_map(|(index, part)| if index % 2 == 1 { vec![part] } else { part.split_whitespace().collect() })
        .collect()
}
