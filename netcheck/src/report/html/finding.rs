//! What was found of a row: one finding for each reason and place, with its way and what was seen.

use std::fmt::Write;

use netcheck_record::cause::{Confidence, Reason};
use netcheck_record::record::Verdict;

use super::super::xml::Text;
use super::route;
use crate::remedy;
use crate::request::{self, Group};
use crate::standing::Standing;

/// How many findings of a row are shown.
const MOST: usize = 6;
/// How many things that were seen are shown with each.
const SEEN: usize = 8;

/// The findings of a row, the largest first.
pub(super) fn of(row: &Standing) -> String {
    let groups = request::groups(&row.decisive);
    let mut out = String::new();
    for group in groups.iter().take(MOST) {
        out.push_str(&one(group));
    }
    if groups.len() > MOST {
        let _ = writeln!(out, "<p>{} further reasons are in the records.</p>", groups.len() - MOST);
    }
    out
}

fn one(group: &Group) -> String {
    let meaning = match group.reason {
        Reason::Unknown => detail(group),
        reason => remedy::meaning(reason).to_owned(),
    };
    let mut out = format!(
        "<div class=\"finding {}\">\n<p><strong>{} to {}</strong> {}. {} <code>{}</code>{}</p>\n",
        tone(group),
        Text(&group.ports()),
        Text(&group.hosts()),
        verb(group),
        Text(&meaning),
        group.code,
        sure(group)
    );
    out.push_str(&route::of(group));
    out.push_str(&seen(group));
    out.push_str("</div>\n");
    out
}

/// What was observed, where no cause was inferred.
fn detail(group: &Group) -> String {
    let failure = group.records.iter().find_map(|record| record.failure.as_ref());
    let said = failure.map(|failure| format!("Observed: {}.", failure.detail));
    said.unwrap_or_else(|| remedy::meaning(Reason::Unknown).to_owned())
}

fn verdict(group: &Group) -> Verdict {
    group.records.first().map_or(Verdict::Inconclusive, |record| record.verdict)
}

fn tone(group: &Group) -> &'static str {
    match verdict(group) {
        Verdict::Pass => "pass",
        Verdict::Degraded => "degraded",
        Verdict::Inconclusive if confidence(group) != Some(Confidence::High) => "inconclusive",
        Verdict::Inconclusive | Verdict::Fail => "fail",
    }
}

fn verb(group: &Group) -> &'static str {
    match tone(group) {
        "degraded" => "works with a flaw",
        "inconclusive" => "could not be found out",
        _ => "does not work",
    }
}

fn confidence(group: &Group) -> Option<Confidence> {
    group.records.iter().filter_map(|record| record.cause.as_ref()).map(|cause| cause.confidence).min()
}

fn sure(group: &Group) -> &'static str {
    match confidence(group) {
        Some(Confidence::High) => " (proven)",
        Some(Confidence::Medium) => " (likely)",
        Some(Confidence::Low) => " (a guess)",
        None => "",
    }
}

fn seen(group: &Group) -> String {
    let causes = group.records.iter().filter_map(|record| record.cause.as_ref());
    let Some(cause) = causes.into_iter().find(|cause| !cause.evidence.is_empty()) else {
        return String::new();
    };
    let mut out = "<p class=\"seen\">What was seen:</p>\n<ul>\n".to_owned();
    for line in cause.evidence.iter().take(SEEN) {
        let _ = writeln!(out, "<li>{}</li>", Text(line));
    }
    out.push_str("</ul>\n");
    out
}
