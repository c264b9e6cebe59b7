//! The rules for people, spreadsheets and programs.

use serde_json::json;

use super::destination::Destination;
use super::{Rule, joined};
use crate::profile::Profile;
use crate::wrap;

/// For people.
pub(super) fn text(profile: &Profile, rules: &[Rule]) -> String {
    let mut out = format!("{}\n", if profile.title.is_empty() { &profile.name } else { &profile.title });
    for rule in rules {
        out.push_str(&format!("\n{}\n", rule.comment()));
        let direction = if rule.inbound() { "from" } else { "to" };
        let places = if rule.inbound() { rule.permit.from.join(", ") } else { rule.permit.to.join(", ") };
        out.push_str(&wrap::hanging(&format!("  {direction:5} "), &places));
        for (transport, ports) in rule.transports() {
            out.push_str(&format!("  {:5} {}\n", transport.to_ascii_uppercase(), joined(ports, ", ", "-")));
        }
        if let Some(note) = &rule.permit.note {
            out.push_str(&wrap::hanging("  note  ", note));
        }
    }
    out
}

/// One line a destination and transport.
pub(super) fn csv(rules: &[Rule]) -> String {
    let mut out = String::from("row,function,role,required,direction,peer,transport,ports,region\r\n");
    for rule in rules {
        let peers = if rule.inbound() { rule.permit.from.clone() } else { destinations(rule) };
        for (peer, (transport, ports)) in
            peers.iter().flat_map(|peer| rule.transports().into_iter().map(move |t| (peer, t)))
        {
            let cells = [
                rule.row.name.clone(),
                rule.row.function.clone(),
                rule.row.role.clone(),
                rule.row.required().to_string(),
                if rule.inbound() { "in" } else { "out" }.to_owned(),
                peer.clone(),
                transport.to_ascii_uppercase(),
                joined(ports, " ", "-"),
                rule.permit.region.clone().unwrap_or_default(),
            ];
            let quoted = cells.map(|text| format!("\"{}\"", text.replace('"', "\"\"")));
            out.push_str(&format!("{}\r\n", quoted.join(",")));
        }
    }
    out
}

/// Every destination by itself: braces are the profile's own.
fn destinations(rule: &Rule) -> Vec<String> {
    let text = |to: &Destination| match to {
        Destination::Under(name) => format!("*.{name}"),
        Destination::Name(name) | Destination::Block(name) => name.clone(),
    };
    rule.to.iter().map(text).collect()
}

/// One object a permit.
pub(super) fn json(rules: &[Rule]) -> String {
    let rule = |rule: &Rule| {
        json!({ "row": rule.row.name, "function": rule.row.function, "role": rule.row.role,
            "required": rule.row.required(), "source": rule.row.source,
            "direction": if rule.inbound() { "in" } else { "out" }, "to": destinations(rule), "from": rule.permit.from,
            "tcp": joined(&rule.tcp, ",", "-"), "udp": joined(&rule.udp, ",", "-") })
    };
    let rules: Vec<_> = rules.iter().map(rule).collect();
    format!("{}\n", serde_json::to_string_pretty(&rules).unwrap_or_default())
}
