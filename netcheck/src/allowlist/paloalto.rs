//! External dynamic lists of PAN-OS: one type a list, no ports and no direction in it, so there is a list for each.

use std::collections::{BTreeMap, BTreeSet};

use super::destination::Destination;
use super::{Rule, joined};

const HEAD: &str = "\
# A list has no ports and no direction. Each part below belongs in a list of its own, used by a security policy with the
# service that its heading names.
";

/// Entries with their comments, by the policy that a list is for.
type Parts = BTreeMap<String, Vec<(String, Vec<String>)>>;

/// Lists of type URL. The closing slash keeps `*.example.com` from matching `x.example.com.evil`.
pub(super) fn urls(rules: &[Rule]) -> String {
    let mut parts = Parts::new();
    for rule in rules.iter().filter(|rule| !rule.inbound()) {
        let mut entries = Vec::new();
        for to in rule.names() {
            match to {
                Destination::Under(name) => entries.extend([format!("*.{name}/"), format!("{name}/")]),
                Destination::Name(name) | Destination::Block(name) => entries.push(format!("{name}/")),
            }
        }
        parts.entry(policy(rule)).or_default().push((rule.comment(), entries));
    }
    let mut out = HEAD.to_owned();
    for (policy, rules) in parts {
        let mut seen = BTreeSet::new();
        out.push_str(&format!("\n## {policy}\n"));
        for (comment, mut entries) in rules {
            entries.retain(|entry| seen.insert(entry.clone()));
            if !entries.is_empty() {
                out.push_str(&format!("# {comment}\n{}\n", entries.join("\n")));
            }
        }
    }
    out
}

/// Lists of type IP address; what follows the space is a comment.
pub(super) fn addresses(rules: &[Rule]) -> String {
    let mut parts = Parts::new();
    for rule in rules {
        let blocks = if rule.inbound() {
            rule.permit.from.clone()
        } else {
            [rule.blocks(false), rule.blocks(true)].concat()
        };
        if !blocks.is_empty() {
            parts.entry(policy(rule)).or_default().push((rule.comment(), blocks));
        }
    }
    let mut out = HEAD.to_owned();
    for (policy, rules) in parts {
        let mut seen = BTreeSet::new();
        out.push_str(&format!("\n## {policy}\n"));
        for (comment, blocks) in rules {
            for block in blocks.into_iter().filter(|block| seen.insert(block.clone())) {
                out.push_str(&format!("{block} # {comment}\n"));
            }
        }
    }
    out
}

/// Direction and service of the policy: `outbound, tcp 443`.
fn policy(rule: &Rule) -> String {
    let direction = if rule.inbound() { "inbound" } else { "outbound" };
    let service =
        |(transport, ports): &(&str, &[(u16, u16)])| format!("{transport} {}", joined(ports, ",", "-"));
    let services: Vec<String> = rule.transports().iter().map(service).collect();
    format!("{direction}, {}", services.join(" and "))
}
