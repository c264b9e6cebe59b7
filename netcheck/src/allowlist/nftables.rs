//! nft -f: sets by row. Names are filled in by the resolver (dnsmasq's `nftset`), since a packet carries none.

use super::destination::Destination;
use super::{Rule, joined};

/// How the list is put to use.
const USE: &str = "\n# A jump stays within its table. To let this list through and nothing else:\n\
    #   nft 'add chain inet netcheck forward { type filter hook forward priority 0; policy drop; }'\n\
    #   nft add rule inet netcheck forward jump netcheck_allow\n";

/// The table, and the lines for dnsmasq as comments.
pub(super) fn text(rules: &[Rule]) -> String {
    let mut out = String::from(
        "# Load with `nft -f`. A packet carries no name: let the resolver fill the sets, with these lines in\n\
         # dnsmasq.conf (2.87 or later):\n",
    );
    let outbound: Vec<&Rule> = rules.iter().filter(|rule| !rule.inbound()).collect();
    for rule in &outbound {
        let names: Vec<&str> = rule.names().map(name).collect();
        if !names.is_empty() {
            let set = format!("4#inet#netcheck#{0}_4,6#inet#netcheck#{0}_6", rule.name);
            out.push_str(&format!("#   nftset=/{}/{set}\n", names.join("/")));
        }
    }
    out.push_str(USE);
    // The table and its other chains stay; what an earlier list held goes.
    out.push_str("\ntable inet netcheck {\n  chain netcheck_allow { }\n  chain netcheck_mail { }\n}\n");
    for chain in ["netcheck_allow", "netcheck_mail"] {
        out.push_str(&format!("flush chain inet netcheck {chain}\n"));
    }
    out.push_str("\ntable inet netcheck {\n");
    for rule in &outbound {
        for (family, kind, v6) in [("4", "ipv4_addr", false), ("6", "ipv6_addr", true)] {
            let blocks = rule.blocks(v6);
            let elements = if blocks.is_empty() {
                String::new()
            } else {
                format!(" elements = {{ {} }};", blocks.join(", "))
            };
            out.push_str(&format!(
                "  set {}_{family} {{ type {kind}; flags interval; auto-merge;{elements} }}\n",
                rule.name
            ));
        }
    }
    out.push_str(
        "\n  # Without a hook this changes nothing until a chain of this table jumps here.\n  chain netcheck_allow {\n",
    );
    out.push_str("    ct state established,related accept\n");
    for rule in &outbound {
        for (transport, ports) in rule.transports() {
            for (family, address) in [("4", "ip"), ("6", "ip6")] {
                out.push_str(&format!(
                    "    {address} daddr @{}_{family} {transport} dport {{ {} }} accept comment \"{}\"\n",
                    rule.name,
                    joined(ports, ", ", "-"),
                    rule.comment()
                ));
            }
        }
    }
    out.push_str("  }\n");
    inbound(&mut out, rules);
    out.push_str("}\n");
    out
}

fn inbound(out: &mut String, rules: &[Rule]) {
    out.push_str("\n  # For the host that receives mail.\n  chain netcheck_mail {\n");
    for rule in rules.iter().filter(|rule| rule.inbound()) {
        for (transport, ports) in rule.transports() {
            out.push_str(&format!(
                "    ip saddr {{ {} }} {transport} dport {{ {} }} accept comment \"{}\"\n",
                rule.permit.from.join(", "),
                joined(ports, ", ", "-"),
                rule.comment()
            ));
        }
    }
    out.push_str("  }\n");
}

fn name(to: &Destination) -> &str {
    match to {
        Destination::Name(name) | Destination::Under(name) | Destination::Block(name) => name,
    }
}
