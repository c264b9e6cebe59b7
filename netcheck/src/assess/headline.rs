//! The headline: whether the event can run from here, by role, and the one or two causes why not.

use std::collections::BTreeSet;

use super::cause_text::{self, capital};
use super::findings::Finding;
use super::report::Report;
use super::requirements::Requirement;
use super::status::Status;

/// As many causes are named.
const CAUSES: usize = 2;

/// The headline.
pub(super) fn of(report: &Report) -> String {
    let mut sentences = report.run.problems.clone();
    sentences.push(answer(report));
    sentences.join(" ")
}

/// The sentence that answers the question.
fn answer(report: &Report) -> String {
    let worst = report.roles.values().max().copied().unwrap_or(Status::NotKnown);
    let whole = report.run.problems.is_empty();
    let start = match worst {
        Status::DoesNotWork => "The event cannot run from here as it is",
        Status::NotKnown => "It is not known whether the event can run from here",
        _ if !whole => "It is not known whether the event can run from here",
        Status::Limited => "The event can run from here, with limits",
        Status::Works => {
            return "The event can run from here: everything the platform needs works.".to_owned();
        }
    };
    let roles = roles(report);
    let causes = causes(report, worst);
    let roles = if roles.is_empty() { String::new() } else { format!(" ({roles})") };
    let causes = if causes.is_empty() { String::new() } else { format!(": {causes}") };
    format!("{start}{roles}{causes}.")
}

/// `backstage: live-stream ingest does not work; participants: works with limits`.
fn roles(report: &Report) -> String {
    let words = report.roles.iter().filter(|(_, status)| **status > Status::Works).map(|(role, status)| {
        let of_role = |one: &&Requirement| one.required && one.role == *role && one.status == *status;
        let names: Vec<&str> = report.requirements.iter().filter(of_role).map(called).collect();
        let names = match (names.as_slice(), status) {
            (_, Status::Limited) | ([], _) => String::new(),
            ([one], _) => format!("{one} "),
            ([one, two], _) => format!("{one} and {two} "),
            (all, _) => format!("{} and {} more ", all[0], all.len() - 1),
        };
        let role = role_name(role).to_lowercase();
        match status {
            Status::DoesNotWork => format!("{role} cannot use {}", names.trim_end()),
            status => format!("{role}: {names}{}", status.as_str()),
        }
    });
    words.collect::<Vec<_>>().join("; ")
}

fn called(requirement: &Requirement) -> &str {
    if requirement.function.is_empty() { &requirement.name } else { &requirement.function }
}

/// The one or two causes of the worst status.
fn causes(report: &Report, worst: Status) -> String {
    let of_worst: BTreeSet<&str> = report
        .requirements
        .iter()
        .filter(|one| one.required && one.status == worst)
        .flat_map(|one| one.findings.iter().map(String::as_str))
        .collect();
    let inspection = |finding: &Finding| finding.cause == netcheck_record::cause::Reason::TlsInspection;
    let mut findings: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| of_worst.contains(finding.id.as_str()) && finding.required)
        .collect();
    findings.sort_by_key(|finding| {
        (!cause_text::of_the_access(finding.cause), std::cmp::Reverse(touched(report, finding, worst)))
    });
    let more = findings.len().saturating_sub(CAUSES);
    let mut clauses: Vec<String> =
        findings.iter().take(CAUSES).map(|finding| cause_text::clause(finding)).collect();
    if findings.iter().any(|finding| inspection(finding)) && fails(report, "apns") {
        clauses.push("iPhones get no notifications".to_owned());
    }
    if clauses.is_empty() {
        let of_status = report.requirements.iter().filter(|one| one.required && one.status == worst);
        clauses.extend(of_status.flat_map(|one| one.limits.first().cloned()).take(CAUSES));
    }
    if more > 0 {
        clauses.push(match more {
            1 => "and 1 more cause".to_owned(),
            more => format!("and {more} more causes"),
        });
    }
    clauses.join("; ")
}

/// How many requirements of that status a finding touches.
fn touched(report: &Report, finding: &Finding, status: Status) -> usize {
    let touches = |one: &&Requirement| one.status == status && one.findings.contains(&finding.id);
    report.requirements.iter().filter(touches).count()
}

fn fails(report: &Report, name: &str) -> bool {
    report.requirements.iter().any(|one| one.name == name && one.status == Status::DoesNotWork)
}

/// What follows the headline: what people notice, by role, and what a reader should know.
pub(crate) fn sentences(report: &Report) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for role in report.roles.keys() {
        let bad: Vec<String> = report
            .requirements
            .iter()
            .filter(|one| one.required && one.role == *role && one.status == Status::DoesNotWork)
            .map(|one| {
                if one.impact.is_empty() { format!("{} does not work", one.name) } else { one.impact.clone() }
            })
            .collect();
        if !bad.is_empty() {
            sentences.push(format!("{}: {}.", role_name(role), bad.join("; ")));
        }
    }
    let known: Vec<&str> = report.requirements.iter().filter(|one| one.known).map(called).collect();
    if !known.is_empty() {
        sentences.push(format!("Known before, from the baseline run: {}.", known.join(", ")));
    }
    sentences.extend(report.run.warnings.iter().chain(&report.run.notes).cloned());
    sentences
}

/// A role as people call it.
pub(crate) fn role_name(role: &str) -> String {
    match role {
        "all" => "Everyone".into(),
        "" => "Unknown role".into(),
        _ => capital(role),
    }
}
