//! The way from this machine to the services, with the device that blocks it.

use super::super::Subject;
use super::super::xml::Text;
use crate::assess::{self, Finding};

/// The way of a finding, where it is known where it ends.
pub(super) fn of(finding: &Finding, subject: &Subject) -> String {
    let Some(near) = finding.near else { return String::new() };
    let first = finding.members.first().map(|at| &subject.assessment.observations[*at]);
    let egress = first.and_then(|one| one.egress.as_deref());
    let local = egress.and_then(|egress| egress.local.as_deref()).unwrap_or_default();
    let interface = egress.and_then(|egress| egress.interface.as_deref()).unwrap_or_default();
    let hosts = match assess::hosts(finding) {
        text if text.is_empty() => "the services".to_owned(),
        text => text,
    };
    format!(
        "<ol class=\"route\" aria-label=\"The way to {0}\">\n<li>this machine<span>{1} {2}</span></li>\n\
         <li class=\"block\">{3}<span>{4} (ask: {5})</span></li>\n<li class=\"far\">{0}<span>{6}</span></li>\n</ol>\n",
        Text(&hosts),
        Text(local),
        Text(interface),
        Text(&assess::place(finding.cause, Some(near))),
        finding.cause.as_str(),
        assess::who(finding.who),
        Text(&assess::ports(finding))
    )
}
