//! A part of the page for each requirement: its status, why, its ports, its stages.

use std::fmt::Write;

use netcheck_record::record::Record;

use super::super::Subject;
use super::super::xml::{Prose, Text};
use super::{badge, bars, strip};
use crate::assess::{Requirement, Status};
use crate::records::Observation;

/// How many records of a requirement are shown with their stages.
const SHOWN: usize = 8;
/// How many of them share one outcome.
const ALIKE: usize = 2;

/// The section.
pub(super) fn section(subject: &Subject) -> String {
    let mut out =
        "<section aria-labelledby=\"requirements\">\n<h2 id=\"requirements\">Requirements</h2>\n<div class=\"requirements\">\n".to_owned();
    for requirement in &subject.assessment.report.requirements {
        out.push_str(&one(requirement, subject));
    }
    out.push_str("</div>\n</section>\n");
    out
}

fn one(requirement: &Requirement, subject: &Subject) -> String {
    let open = if requirement.status == Status::Works { "" } else { " open" };
    let advisory = if requirement.required { "" } else { " <span class=\"advisory\">advisory</span>" };
    let good = requirement.targets.passed + requirement.targets.degraded;
    let mut out = format!(
        "<details{open}>\n<summary>{} <span class=\"name\">{}</span>{advisory} \
         <span class=\"function\">{}</span> <span class=\"count\">{good} of {}</span></summary>\n<div class=\"body\">\n",
        badge(requirement.status),
        Prose(&requirement.name),
        Prose(&requirement.function),
        requirement.targets.planned
    );
    out.push_str(&why(requirement, subject));
    out.push_str(&strip::of(requirement, subject));
    out.push_str(&stages(requirement, subject));
    if !requirement.permits.is_empty() {
        let _ = writeln!(out, "<p class=\"source\">The complete rule: {}</p>", Prose(&requirement.permits));
    }
    if let Some(source) = subject.profile.rows.iter().find(|each| each.name == requirement.name) {
        let _ = writeln!(out, "<p class=\"source\">Source: {}</p>", Text(&source.source));
        if let Some(note) = &source.note {
            let _ = writeln!(out, "<p class=\"source\">{}</p>", Text(note));
        }
    }
    out.push_str("</div>\n</details>\n");
    out
}

fn why(requirement: &Requirement, subject: &Subject) -> String {
    let mut out = String::new();
    for id in &requirement.findings {
        if let Some(finding) = subject.assessment.report.finding(id) {
            let _ = writeln!(out, "<p>{}: {}</p>", Text(id), Prose(&finding.summary));
        }
    }
    for limit in &requirement.limits {
        let _ = writeln!(out, "<p class=\"note\">{}</p>", Prose(limit));
    }
    if requirement.members.is_empty() {
        out.push_str("<p>No record: its tool was not there, or the requirement was left out.</p>\n");
    }
    out
}

/// Some records to be shown: a few of each outcome, the failed ones first.
fn shown<'a>(requirement: &Requirement, subject: &'a Subject) -> Vec<(&'a Observation, &'a Record)> {
    let observations = &subject.assessment.observations;
    let mut known: Vec<(&Observation, &Record)> = requirement
        .members
        .iter()
        .filter_map(|at| Some((&observations[*at], subject.input.samples.get(&observations[*at].position)?)))
        .collect();
    known.sort_by_key(|(one, _)| std::cmp::Reverse(one.verdict));
    let mut alike: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    let outcomes: std::collections::BTreeSet<&str> =
        known.iter().map(|(one, _)| one.outcome_code()).collect();
    let most = if outcomes.len() > 1 { ALIKE } else { SHOWN / 2 };
    known.retain(|(one, _)| {
        let count = alike.entry(one.outcome_code()).or_default();
        *count += 1;
        *count <= most
    });
    known.truncate(SHOWN);
    known
}

/// Some records with their stages.
fn stages(requirement: &Requirement, subject: &Subject) -> String {
    let shown = shown(requirement, subject);
    if shown.is_empty() {
        return String::new();
    }
    let longest = shown.iter().map(|(_, record)| bars::total(record)).max().unwrap_or(1).max(1);
    let caption = if shown.len() < requirement.members.len() {
        format!("Stages of {} of {} targets", shown.len(), requirement.members.len())
    } else {
        "Stages".to_owned()
    };
    let mut out = format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"Stages of {}\" tabindex=\"0\"><table class=\"stages\">\n\
         <caption>{caption}</caption>\n<thead><tr><th scope=\"col\">Target</th><th scope=\"col\">Verdict</th>\
         <th scope=\"col\">Stages, to one scale</th></tr></thead>\n<tbody>\n",
        Text(&requirement.name)
    );
    for (one, record) in shown {
        let _ = writeln!(
            out,
            "<tr><td class=\"target\">{}</td><td>{}</td><td>{}</td></tr>",
            Text(&record.target),
            Text(&bars::word(one)),
            bars::of(record, longest)
        );
    }
    out.push_str("</tbody>\n</table></div>\n");
    out
}
