//! The report on a terminal: headline, table, findings and requests, as wide as the terminal.

use super::Subject;
use crate::assess::{self, Assessment, Report, heading};
use crate::table::{self, Look};
use crate::wrap::{self, cell};

/// The whole text, or only its requests.
pub(super) fn whole(subject: &Subject, only_requests: bool, colours: bool) -> String {
    let report = &subject.assessment.report;
    if only_requests {
        return requests(report).trim_start().to_owned();
    }
    screen(subject.assessment, colours)
}

/// Headline, table, findings, requests.
pub(crate) fn screen(assessment: &Assessment, colours: bool) -> String {
    let report = &assessment.report;
    let mut text = wrap::hanging("", &report.headline);
    text.push('\n');
    text.push_str(&table::text(report, Look { colours }));
    text.push_str(&interfaces(assessment));
    text.push_str(&timeline(report));
    text.push_str(&limits(report));
    text.push_str(&findings(report));
    text.push_str(&requests(report));
    let sentences = assess::sentences(report);
    if !sentences.is_empty() {
        text.push('\n');
        sentences.iter().for_each(|sentence| text.push_str(&wrap::hanging("", sentence)));
    }
    text
}

fn limits(report: &Report) -> String {
    // One line for all that have the same limits.
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for one in report.requirements.iter().filter(|one| !one.limits.is_empty()) {
        let limits = one.limits.join("; ");
        match groups.iter_mut().find(|(known, _)| *known == limits) {
            Some((_, names)) => names.push(&one.name),
            None => groups.push((limits, vec![&one.name])),
        }
    }
    let mut text = String::new();
    for (limits, names) in groups {
        text.push_str(&wrap::hanging("  ", &format!("{}: {limits}.", names.join(", "))));
    }
    if text.is_empty() { text } else { format!("\nLimits:\n{text}") }
}

fn findings(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        text.push_str(&wrap::hanging(&format!("  {} ", cell(&finding.id, 3)), &finding.summary));
        for line in &finding.evidence {
            text.push_str(&wrap::hanging("      - ", line));
        }
    }
    if text.is_empty() { text } else { format!("\nWhat was found:\n{text}") }
}

fn requests(report: &Report) -> String {
    let mut text = String::new();
    let mut last = None;
    for request in &report.requests {
        if last != Some((request.to, request.required)) {
            let need = if request.required { "" } else { ", optional" };
            text.push_str(&format!("\n{}{need}:\n", heading(request.to)));
            last = Some((request.to, request.required));
        }
        text.push_str(&wrap::hanging("  - ", &format!("{} [{}]", request.text, request.finding)));
    }
    text
}

/// Earlier rounds of the same series.
fn timeline(report: &Report) -> String {
    let mut text = String::new();
    for round in &report.timeline {
        let bad = if round.not_working.is_empty() {
            String::new()
        } else {
            format!(": {}", round.not_working.join(", "))
        };
        text.push_str(&wrap::hanging("  ", &format!("{} {}{bad}", round.started, round.status.as_str())));
    }
    if text.is_empty() { text } else { format!("\nEarlier rounds:\n{text}") }
}

/// The requirements by interface, where there is more than one, or a tunnel.
fn interfaces(assessment: &Assessment) -> String {
    let of = |one: &assess::Requirement| {
        assess::interfaces(one.members.iter().map(|at| &assessment.observations[*at]))
    };
    let rows: Vec<_> =
        assessment.report.requirements.iter().map(|one| (one.name.as_str(), of(one))).collect();
    let all: std::collections::BTreeSet<&String> = rows.iter().flat_map(|(_, names)| names).collect();
    if all.len() < 2 && !all.iter().any(|name| name.ends_with("(tunnel)")) {
        return String::new();
    }
    let mut text = format!("\n{} LEAVES THROUGH\n", cell("REQUIREMENT", 12));
    for (name, interfaces) in rows.iter().filter(|(_, names)| !names.is_empty()) {
        let words = interfaces.iter().cloned().collect::<Vec<_>>().join(", ");
        text.push_str(&wrap::hanging(&format!("{} ", cell(name, 12)), &words));
    }
    text
}
