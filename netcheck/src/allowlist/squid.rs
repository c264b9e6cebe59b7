//! squid.conf: access lists for an explicit proxy.

use super::destination::Destination;
use super::{Rule, joined};

/// The rules. They belong before `http_access deny CONNECT !SSL_ports` and before the final deny.
pub(super) fn text(rules: &[Rule]) -> String {
    let mut out = String::from(
        "# Include this before `http_access deny CONNECT !SSL_ports` and before the final `http_access deny all`.\n\
         # A proxy carries TCP only: the rows that need UDP need a firewall rule as well.\n",
    );
    for rule in rules {
        out.push_str(&format!("\n# {}\n", rule.comment()));
        if rule.inbound() {
            out.push_str("# Inbound mail does not pass this proxy.\n");
            continue;
        }
        if rule.tcp.is_empty() {
            out.push_str("# UDP only: not for a proxy.\n");
            continue;
        }
        let name = format!("netcheck_{}", rule.name);
        out.push_str(&format!("acl {name}_port port {}\n", joined(&rule.tcp, " ", "-")));
        let names: Vec<String> = rule.names().filter(|to| !covered(to, rule)).map(domain).collect();
        if !names.is_empty() {
            out.push_str(&format!(
                "acl {name} dstdomain {}\nhttp_access allow {name} {name}_port\n",
                names.join(" ")
            ));
        }
        let blocks = [rule.blocks(false), rule.blocks(true)].concat();
        if !blocks.is_empty() {
            out.push_str(&format!(
                "acl {name}_net dst {}\nhttp_access allow {name}_net {name}_port\n",
                blocks.join(" ")
            ));
        }
    }
    out
}

/// Whether a wildcard of the same rule holds it: squid refuses a list that names a domain and what is under it.
fn covered(to: &Destination, rule: &Rule) -> bool {
    let (Destination::Name(name) | Destination::Under(name)) = to else { return false };
    rule.names().any(|other| match other {
        Destination::Under(domain) if other != to => {
            name == domain || name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
        }
        _ => false,
    })
}

/// A leading dot stands for the name and everything under it.
fn domain(to: &Destination) -> String {
    match to {
        Destination::Under(name) => format!(".{name}"),
        Destination::Name(name) | Destination::Block(name) => name.clone(),
    }
}
