//! Who must do what: text that can be copied into a ticket.

use std::fmt::Write;

use super::super::Subject;
use super::super::xml::{Prose, Text};
use crate::assess::heading;

/// The section.
pub(super) fn section(subject: &Subject) -> String {
    let requests = &subject.assessment.report.requests;
    let mut out =
        "<section aria-labelledby=\"requests\">\n<h2 id=\"requests\">What to ask for</h2>\n".to_owned();
    if requests.is_empty() {
        out.push_str("<p>Nothing: no requirement asks for a change.</p>\n");
    }
    for (at, request) in requests.iter().enumerate() {
        let need = if request.required { "required" } else { "optional" };
        let _ = writeln!(
            out,
            "<h3>{} <small>{need}, {}</small></h3>\n<div class=\"request\"><p class=\"text\" id=\"request-{at}\">{}</p>\
             <button type=\"button\" class=\"copy\" data-of=\"request-{at}\" hidden>Copy</button></div>",
            heading(request.to),
            Text(&request.finding),
            Prose(&request.text)
        );
    }
    out.push_str("</section>\n");
    out
}
