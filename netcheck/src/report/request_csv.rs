//! One line per destination of a request (RFC 4180), for ticket systems and spreadsheets.

use super::csv::cell;
use crate::assess::{Report, Rule, word};

const HEAD: &str = "to,required,finding,action,direction,source,interface,public_address,destination,addresses,protocol,ports,near,\
    requirements,reason,evidence,seen,text\r\n";

/// The lines.
pub(super) fn text(report: &Report) -> String {
    let mut text = HEAD.to_owned();
    let nowhere = Rule {
        rule: String::new(),
        addresses: Vec::new(),
        protocol: String::new(),
        ports: String::new(),
        optional: false,
    };
    for request in &report.requests {
        let none = [nowhere.clone()];
        let rules = if request.destinations.is_empty() { &none[..] } else { &request.destinations[..] };
        for rule in rules {
            let option = |text: &Option<String>| text.clone().unwrap_or_default();
            let cells = [
                word(request.to).to_owned(),
                if request.required && !rule.optional { "required" } else { "optional" }.to_owned(),
                request.finding.clone(),
                request.action.clone(),
                request.direction.clone(),
                option(&request.source.address),
                option(&request.source.interface),
                option(&request.source.public_address),
                rule.rule.clone(),
                rule.addresses.join(" "),
                rule.protocol.clone(),
                rule.ports.clone(),
                request.near.map(|near| near.to_string()).unwrap_or_default(),
                request.requirements.join(" "),
                request.reason.clone(),
                request.evidence.clone(),
                request.seen.clone(),
                request.text.clone(),
            ];
            text.push_str(&cells.iter().map(|text| cell(text)).collect::<Vec<_>>().join(","));
            text.push_str("\r\n");
        }
    }
    text
}
