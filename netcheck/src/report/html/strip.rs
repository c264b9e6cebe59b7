//! A range of ports as a strip of cells, a row of cells for each host.

use std::collections::BTreeMap;
use std::fmt::Write;

use netcheck_record::record::Verdict;

use super::super::Subject;
use super::super::xml::Text;
use crate::assess::Requirement;
use crate::ports;

/// Fewer ports than this need no picture.
const FEWEST: usize = 8;
/// More cells than this no screen shows.
const MOST: usize = 2_000;
/// As many cells stand side by side.
const ACROSS: usize = 64;

/// The strips of a row, where it has a range.
pub(super) fn of(requirement: &Requirement, subject: &Subject) -> String {
    let mut hosts: BTreeMap<String, Vec<(u16, Verdict, String)>> = BTreeMap::new();
    for one in subject.assessment.of(requirement).take(MOST) {
        if let Some(port) = one.port() {
            let outcome = one.outcome_code().to_owned();
            hosts.entry(one.endpoint.host().to_owned()).or_default().push((port, one.verdict, outcome));
        }
    }
    hosts.retain(|_, cells| cells.len() >= FEWEST);
    if hosts.is_empty() {
        return String::new();
    }
    let mut out = "<div class=\"strips\">\n".to_owned();
    for (host, mut cells) in hosts {
        cells.sort();
        let words = ports::outcomes(cells.iter().map(|(port, _, outcome)| (*port, outcome.clone())));
        let _ = write!(
            out,
            "<figure class=\"strip\"><figcaption><b>{}</b> {}</figcaption>\
             <div style=\"--cells:{}\" role=\"img\" aria-label=\"{} ports of {}: {}\">",
            Text(&host),
            Text(&words),
            cells.len().min(ACROSS),
            cells.len(),
            Text(&host),
            Text(&words)
        );
        for (port, verdict, outcome) in cells {
            let _ = write!(out, "<i class=\"{}\" title=\"{port} {}\"></i>", verdict.as_str(), Text(&outcome));
        }
        out.push_str("</div></figure>\n");
    }
    out.push_str("</div>\n");
    out
}
