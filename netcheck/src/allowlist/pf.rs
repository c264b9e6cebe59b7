//! pf.conf: tables by row.

use super::destination::Destination;
use super::{Rule, joined};

/// The tables and rules.
pub(super) fn text(rules: &[Rule]) -> String {
    let mut out = String::from(
        "# pf resolves names when it loads, and knows no wildcards: let the resolver or a script fill those tables\n\
         # (`pfctl -t netcheck_core -T add ADDRESS`).\n",
    );
    for rule in rules {
        out.push_str(&format!("\n# {}\n", rule.comment()));
        if rule.inbound() {
            let from = rule.permit.from.join(", ");
            out.push_str(&format!(
                "pass in proto tcp from {{ {from} }} to any port {{ {} }}\n",
                joined(&rule.tcp, ", ", ":")
            ));
            continue;
        }
        let mut members = Vec::new();
        for to in &rule.to {
            match to {
                Destination::Name(name) | Destination::Block(name) => members.push(name.clone()),
                Destination::Under(name) => out.push_str(&format!("# to be filled: *.{name}\n")),
            }
        }
        let members =
            if members.is_empty() { String::new() } else { format!(" {{ {} }}", members.join(", ")) };
        out.push_str(&format!("table <netcheck_{}> persist{members}\n", rule.name));
        for (transport, ports) in rule.transports() {
            let ports = joined(ports, ", ", ":");
            out.push_str(&format!(
                "pass out proto {transport} to <netcheck_{}> port {{ {ports} }} keep state\n",
                rule.name
            ));
        }
    }
    out
}
