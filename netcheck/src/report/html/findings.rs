//! What stops the event: one part for each finding, with its way and what was seen.

use std::fmt::Write;

use super::super::Subject;
use super::super::xml::{Prose, Text};
use super::route;
use crate::assess::{self, Finding, Status};

/// How many destinations of a finding are named.
const DESTINATIONS: usize = 12;

/// The section.
pub(super) fn section(subject: &Subject) -> String {
    let report = &subject.assessment.report;
    let mut out =
        "<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">What was found</h2>\n".to_owned();
    if report.findings.is_empty() {
        out.push_str("<p>Nothing is wrong with what was checked.</p>\n");
    }
    for finding in &report.findings {
        out.push_str(&one(finding, subject));
    }
    out.push_str("</section>\n");
    out
}

fn one(finding: &Finding, subject: &Subject) -> String {
    let mut out = format!(
        "<div class=\"finding {}{}\">\n<p><strong>{}</strong> <code>{} {}</code></p>\n<p class=\"for\">Touches: {}; {} targets.</p>\n",
        status_class(finding, subject),
        if requested(finding, subject) { " requested" } else { "" },
        Prose(&finding.summary),
        Text(&finding.id),
        finding.cause.as_str(),
        Prose(&finding.requirements.join(", ")),
        finding.targets
    );
    out.push_str(&route::of(finding, subject));
    if !assess::of_the_access(finding.cause) {
        out.push_str(&destinations(finding));
    }
    out.push_str(&seen(finding));
    out.push_str("</div>\n");
    out
}

/// Whether a request repeats its evidence: paper then shows it once.
fn requested(finding: &Finding, subject: &Subject) -> bool {
    subject.assessment.report.requests.iter().any(|one| one.finding == finding.id)
}

/// The colour of the worst requirement that it touches.
fn status_class(finding: &Finding, subject: &Subject) -> &'static str {
    let touched =
        subject.assessment.report.requirements.iter().filter(|one| one.findings.contains(&finding.id));
    super::class(touched.map(|one| one.status).max().unwrap_or(Status::Limited))
}

fn destinations(finding: &Finding) -> String {
    let mut out = "<ul class=\"destinations\">\n".to_owned();
    for destination in finding.destinations.iter().take(DESTINATIONS) {
        let addresses = destination.addresses.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
        let addresses = if addresses.is_empty() { addresses } else { format!(" ({addresses})") };
        let _ = writeln!(
            out,
            "<li>{}{}: {} {}</li>",
            Prose(&destination.host),
            Text(&addresses),
            Text(&destination.protocol),
            Prose(&destination.ports)
        );
    }
    out.push_str("</ul>\n");
    let more = finding.destinations.len().saturating_sub(DESTINATIONS);
    if more > 0 {
        let at_least = if finding.unnamed_targets > 0 { "more than " } else { "" };
        let _ = writeln!(out, "<p>{at_least}{more} more hosts are in the records.</p>");
    }
    out
}

fn seen(finding: &Finding) -> String {
    if finding.evidence.is_empty() {
        return String::new();
    }
    let mut out = "<p class=\"seen\">What was seen:</p>\n<ul>\n".to_owned();
    for line in &finding.evidence {
        let _ = writeln!(out, "<li>{}</li>", Prose(line));
    }
    out.push_str("</ul>\n");
    out
}
