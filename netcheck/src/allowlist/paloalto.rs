//! External dynamic lists of PAN-OS: one type a list, and only IP lists have comments on their lines.

use std::collections::BTreeSet;

use super::Rule;
use super::destination::Destination;

/// A list of type URL. The closing slash keeps `*.example.com` from matching `x.example.com.evil`.
pub(super) fn urls(rules: &[Rule]) -> String {
    let mut seen = BTreeSet::new();
    let mut out = String::new();
    for rule in rules.iter().filter(|rule| !rule.inbound()) {
        let mut entries = Vec::new();
        for to in rule.names() {
            match to {
                Destination::Under(name) => entries.extend([format!("*.{name}/"), format!("{name}/")]),
                Destination::Name(name) | Destination::Block(name) => entries.push(format!("{name}/")),
            }
        }
        entries.retain(|entry| seen.insert(entry.clone()));
        if !entries.is_empty() {
            out.push_str(&format!("# {}\n{}\n", rule.comment(), entries.join("\n")));
        }
    }
    out
}

/// A list of type IP address; what follows the space is a comment.
pub(super) fn addresses(rules: &[Rule]) -> String {
    let mut out = String::new();
    for rule in rules {
        let blocks = if rule.inbound() {
            rule.permit.from.clone()
        } else {
            [rule.blocks(false), rule.blocks(true)].concat()
        };
        for block in blocks {
            out.push_str(&format!("{block} # {}\n", rule.comment()));
        }
    }
    out
}
