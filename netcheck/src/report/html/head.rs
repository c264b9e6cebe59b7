//! The head of the page: what was checked, when and from where, and whether the event can run; and the page's foot.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::super::Subject;
use super::super::markdown::title;
use super::super::xml::{Prose, Text};
use super::{badge, class};
use crate::assess::{self, Status};
use crate::records::utc;

/// More places than this are not named.
const PLACES: usize = 4;

/// Title, time and place, and the way to the parts.
pub(super) fn header(subject: &Subject) -> String {
    format!(
        "<header>\n<p class=\"kind\">Network report</p>\n<h1>{}</h1>\n{}<nav aria-label=\"Parts of this page\">\
         <a href=\"#answer\">The answer</a> <a href=\"#findings\">What was found</a> <a href=\"#requests\">What to ask for</a> \
         <a href=\"#requirements\">Requirements</a> <a href=\"#records\">All records</a></nav>\n</header>\n",
        Text(title(subject)),
        origin(subject)
    )
}

/// When and from where: what a firewall's log is searched by.
fn origin(subject: &Subject) -> String {
    let times = || subject.assessment.observations.iter().map(|one| one.time).filter(|time| *time > 0);
    let moment = |time: u64| utc(time).replace('T', " ").trim_end_matches('Z').to_owned();
    let when = match (times().min(), times().max()) {
        (Some(first), Some(last)) if first / 1000 != last / 1000 => {
            format!("{} to {} UTC", moment(first), moment(last))
        }
        (Some(first), _) => format!("{} UTC", moment(first)),
        _ => "at a time that is not known".to_owned(),
    };
    let from = places(subject);
    let from = if from.is_empty() { String::new() } else { format!(", from {}", from.join(", ")) };
    format!(
        "<p class=\"origin\">{} targets, checked {}{}</p>\n",
        subject.assessment.observations.len(),
        Text(&when),
        Text(&from)
    )
}

/// The addresses and interfaces that packets left from.
fn places(subject: &Subject) -> Vec<String> {
    let mut from = BTreeSet::new();
    for egress in subject.assessment.observations.iter().filter_map(|one| one.egress.as_ref()) {
        let mut place = egress.local.clone().unwrap_or_default();
        if let Some(interface) = &egress.interface {
            let tunnel = if egress.tunnel { ", a tunnel" } else { "" };
            let _ = write!(place, " ({interface}{tunnel})");
        }
        if !place.trim().is_empty() && from.len() < PLACES {
            from.insert(place);
        }
    }
    from.into_iter().collect()
}

/// Whether the event can run, by role, and what people notice.
pub(super) fn answer(subject: &Subject) -> String {
    let report = &subject.assessment.report;
    let mut worst = report.roles.values().max().copied().unwrap_or(Status::NotKnown);
    if !report.run.problems.is_empty() {
        worst = worst.max(Status::NotKnown);
    }
    let mut out = format!(
        "<section aria-labelledby=\"answer\">\n<h2 id=\"answer\">Can the event run from here?</h2>\n\
         <p class=\"verdict {}\"><strong>{}</strong></p>\n<ul class=\"answers\">\n",
        class(worst),
        Prose(&report.headline)
    );
    for sentence in assess::sentences(report) {
        let _ = writeln!(out, "<li>{}</li>", Prose(&sentence));
    }
    out.push_str("</ul>\n");
    out.push_str(&by_role(subject));
    out.push_str(&timeline(subject));
    out.push_str("</section>\n");
    out
}

/// A card for each role with its requirements, the worst first.
fn by_role(subject: &Subject) -> String {
    let report = &subject.assessment.report;
    let mut out = "<div class=\"roles\">\n".to_owned();
    for (role, status) in &report.roles {
        let _ = writeln!(
            out,
            "<div class=\"role\"><h3>{} {}</h3>\n<ul>",
            Text(&assess::role_name(role)),
            badge(*status)
        );
        for one in report.requirements.iter().filter(|one| one.required && one.role == *role) {
            let function = if one.function.is_empty() { &one.name } else { &one.function };
            let _ = writeln!(
                out,
                "<li>{} <span>{} <small>{}</small></span></li>",
                badge(one.status),
                Prose(function),
                Prose(&one.name)
            );
        }
        out.push_str("</ul></div>\n");
    }
    out.push_str("</div>\n");
    out
}

/// The earlier rounds of the same `--watch`, as a list.
fn timeline(subject: &Subject) -> String {
    let rounds = &subject.assessment.report.timeline;
    if rounds.is_empty() {
        return String::new();
    }
    let mut out = "<h3>Earlier rounds</h3>\n<ol class=\"timeline\">\n".to_owned();
    for round in rounds {
        let bad = round.not_working.join(", ");
        let _ = writeln!(out, "<li>{} {} {}</li>", Text(&round.started), badge(round.status), Text(&bad));
    }
    out.push_str("</ol>\n");
    out
}

/// What the words mean.
pub(super) fn footer() -> String {
    format!(
        "<footer>\n<h2>How to read this</h2>\n<dl>\n\
         <dt>works</dt><dd>every required target passed an exchange in its own protocol</dd>\n\
         <dt>works with limits</dt><dd>usable, and the limits are named</dd>\n\
         <dt>does not work</dt><dd>not usable from here</dd>\n\
         <dt>not known</dt><dd>nothing shows whether it works: not tested, or without a result</dd>\n\
         <dt>proven, likely, uncertain</dt><dd>how sure a cause is: a control experiment excludes the others; two \
         independent signs; one sign</dd>\n\
         <dt>advisory</dt><dd>needed in practice, not on the published list, never counted</dd>\n</dl>\n\
         <p>Made by netcheck {}. This page loads nothing; its one script copies text.</p>\n</footer>\n",
        env!("CARGO_PKG_VERSION")
    )
}
