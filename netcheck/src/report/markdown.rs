//! Markdown for issue trackers and chats.

use std::fmt::Write;

use super::Subject;
use crate::answer;
use crate::remedy;
use crate::request;
use crate::table;

/// The document.
pub(super) fn text(subject: &Subject) -> String {
    let survey = &subject.survey;
    let mut out = format!("# {}\n\n", plain(title(subject)));
    for sentence in answer::sentences(survey) {
        let _ = writeln!(out, "- {}", plain(&sentence));
    }
    out.push_str("\n| row | verdict | works | cause | ask | change |\n|---|---|---|---|---|---|\n");
    for row in &survey.standings {
        let summary = table::summary(row, survey.outage.as_ref());
        let name = if row.required { row.name.clone() } else { format!("{} (advisory)", row.name) };
        let works = format!("{}/{}", row.good, row.total);
        let cells = [&name, row.state.as_str(), &works, &summary.cause, &summary.who, &summary.change];
        let _ = writeln!(out, "| {} |", cells.map(plain).join(" | "));
    }
    if let Some(outage) = &survey.outage {
        let _ = writeln!(out, "\n{}", plain(&outage.request));
        return out;
    }
    let sentences: Vec<String> = survey.standings.iter().flat_map(request::sentences).collect();
    if !sentences.is_empty() {
        out.push_str("\n## What was found\n\n");
    }
    for sentence in &sentences {
        let _ = writeln!(out, "- {}", plain(sentence));
    }
    for row in &survey.standings {
        for note in &row.notes {
            let _ = writeln!(out, "- {}: {}", plain(&row.name), plain(note));
        }
    }
    for (who, lines) in request::requests(&survey.standings) {
        let _ = writeln!(out, "\n## {}\n", remedy::addressee(who));
        for line in &lines {
            let _ = writeln!(out, "- {} ({})", plain(&line.fix), plain(&line.rows.join(", ")));
        }
        for (row, permits) in request::in_full(who, &lines, &survey.standings) {
            let _ = writeln!(out, "- {} in full: {}", plain(row), plain(permits));
        }
    }
    out
}

pub(super) fn title<'a>(subject: &'a Subject) -> &'a str {
    let profile = subject.profile;
    if profile.title.is_empty() { &profile.name } else { &profile.title }
}

/// Text that Markdown does not take for markup, nor a renderer for HTML.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in netcheck_record::escape::line(text, 2000).chars() {
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
