//! FortiOS: addresses, services and policies (wildcard names: 6.2.2 or later).

use super::destination::Destination;
use super::{Rule, joined};

const HEAD: &str = "\
# Put in your interfaces for \"internal\" and \"wan1\". The first policy that matches decides: move these above policies
# that deny. `set nat enable` translates sources to the address of the outgoing interface; leave it out where another
# device does. Inbound mail and IPv6 blocks are not in here: they need a virtual IP, and `config firewall address6`.
";

/// The three sections. Interfaces are to be filled in.
pub(super) fn text(rules: &[Rule]) -> String {
    let outbound: Vec<&Rule> = rules.iter().filter(|rule| !rule.inbound()).collect();
    let mut addresses = String::from("config firewall address\n");
    let mut services = String::from("config firewall service custom\n");
    let mut policies = String::from("config firewall policy\n");
    for rule in &outbound {
        let mut members = Vec::new();
        let v6 = |to: &Destination| matches!(to, Destination::Block(block) if block.contains(':'));
        for (at, to) in rule.to.iter().enumerate().filter(|(_, to)| !v6(to)) {
            let name = format!("netcheck-{}-{}", rule.name, at + 1);
            members.push(format!("\"{name}\""));
            addresses.push_str(&format!(
                "  edit \"{name}\"\n{}    set comment \"{}\"\n  next\n",
                address(to),
                rule.comment()
            ));
        }
        let mut service = format!("  edit \"netcheck-{}\"\n", rule.name);
        for (transport, ports) in rule.transports() {
            service.push_str(&format!("    set {transport}-portrange {}\n", joined(ports, " ", "-")));
        }
        services.push_str(&format!("{service}    set comment \"{}\"\n  next\n", rule.comment()));
        policies.push_str(&format!(
            "  edit 0\n    set name \"netcheck-{}\"\n    set srcintf \"internal\"\n    set dstintf \"wan1\"\n    set srcaddr \"all\"\n\
             \u{20}   set dstaddr {}\n    set action accept\n    set schedule \"always\"\n    set service \"netcheck-{}\"\n\
             \u{20}   set nat enable\n    set comments \"{}\"\n  next\n",
            rule.name,
            members.join(" "),
            rule.name,
            rule.comment()
        ));
    }
    format!("{HEAD}{addresses}end\n{services}end\n{policies}end\n")
}

fn address(to: &Destination) -> String {
    match to {
        Destination::Name(name) => format!("    set type fqdn\n    set fqdn \"{name}\"\n"),
        Destination::Under(name) => format!("    set type fqdn\n    set fqdn \"*.{name}\"\n"),
        Destination::Block(block) => format!("    set subnet {block}\n"),
    }
}
