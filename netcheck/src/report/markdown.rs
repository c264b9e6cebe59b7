//! Markdown for issue trackers and chats.

use std::fmt::Write;

use super::Subject;
use crate::assess::{self, Report, heading};

/// The document, or only its requests.
pub(super) fn text(subject: &Subject, only_requests: bool) -> String {
    let report = &subject.assessment.report;
    let mut out = String::new();
    if !only_requests {
        let _ = write!(out, "# {}\n\n**{}**\n\n", plain(title(subject)), plain(&report.headline));
        for sentence in assess::sentences(report) {
            let _ = writeln!(out, "- {}", plain(&sentence));
        }
        table(&mut out, report);
        findings(&mut out, report);
    }
    requests(&mut out, report);
    out
}

fn table(out: &mut String, report: &Report) {
    out.push_str("\n| requirement | status | works | findings | limits |\n|---|---|---|---|---|\n");
    for one in &report.requirements {
        let name = if one.required { one.name.clone() } else { format!("{} (advisory)", one.name) };
        let good = one.targets.passed + one.targets.degraded;
        let works = format!("{good} of {}", one.targets.planned);
        let (findings, limits) = (one.findings.join(", "), one.limits.join("; "));
        let cells = [&name, one.status.as_str(), &works, &findings, &limits];
        let _ = writeln!(out, "| {} |", cells.map(plain).join(" | "));
    }
}

fn findings(out: &mut String, report: &Report) {
    if report.findings.is_empty() {
        return;
    }
    out.push_str("\n## What was found\n\n");
    for finding in &report.findings {
        let _ = writeln!(out, "- {}: {}", finding.id, plain(&finding.summary));
        for line in &finding.evidence {
            let _ = writeln!(out, "  - {}", plain(line));
        }
    }
}

fn requests(out: &mut String, report: &Report) {
    let mut last = None;
    for request in &report.requests {
        if last != Some((request.to, request.required)) {
            let need = if request.required { "" } else { " (optional)" };
            let _ = writeln!(out, "\n## {}{need}\n", heading(request.to));
            last = Some((request.to, request.required));
        }
        let _ = writeln!(out, "- {}", plain(&request.text));
    }
}

/// The profile's title, or its name where it has none.
pub(super) fn title<'a>(subject: &'a Subject) -> &'a str {
    let profile = subject.profile;
    if profile.title.is_empty() { &profile.name } else { &profile.title }
}

/// Text that Markdown does not take for markup, nor a renderer for HTML.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in netcheck_record::escape::line(text, 4000).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' | '@' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    // Autolinks turn hostile text into something to click.
    out.replace("://", "&#58;//").replace("www.", "www&#46;")
}
