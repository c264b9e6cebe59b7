//! The change requests, by whom they are for: text that can be copied into a ticket.

use std::fmt::Write;

use super::super::Subject;
use super::super::xml::Text;
use crate::remedy;
use crate::request;

/// The section.
pub(super) fn section(subject: &Subject) -> String {
    let mut out =
        "<section aria-labelledby=\"requests\">\n<h2 id=\"requests\">What to ask for</h2>\n".to_owned();
    if let Some(outage) = &subject.survey.outage {
        let (heading, request) = (remedy::addressee(outage.who), Text(&outage.request));
        let _ =
            writeln!(out, "<h3>{heading}</h3>\n<ol class=\"request\"><li>{request}</li></ol>\n</section>");
        return out;
    }
    let requests = request::requests(&subject.survey.standings);
    if requests.is_empty() {
        out.push_str("<p>Nothing: no row asks for a change.</p>\n");
    } else {
        out.push_str("<p class=\"hint\">Each box can be pasted into a ticket as it stands.</p>\n");
    }
    for (who, lines) in requests {
        let _ = writeln!(out, "<h3>{}</h3>\n<div class=\"request\"><ol>", remedy::addressee(who));
        for line in &lines {
            let rows = line.rows.join(", ");
            let _ =
                writeln!(out, "<li>{} <span class=\"for\">[{}]</span></li>", Text(&line.fix), Text(&rows));
        }
        out.push_str("</ol>\n");
        out.push_str(&in_full(&request::in_full(who, &lines, &subject.survey.standings)));
        out.push_str("</div>\n");
    }
    out.push_str("</section>\n");
    out
}

/// What the rows need beyond the hosts that were asked.
fn in_full(rows: &[(&str, &str)]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut out = "<p>The hosts above were asked. What these rows need in full:</p>\n<ul>\n".to_owned();
    for (row, permits) in rows {
        let _ = writeln!(out, "<li>{}: {}</li>", Text(row), Text(permits));
    }
    out.push_str("</ul>\n");
    out
}
