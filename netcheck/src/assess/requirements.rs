//! Requirements: what the platform needs, and whether it has it from here.

use std::collections::{BTreeMap, BTreeSet};

use netcheck_record::cause::Reason;
use netcheck_record::record::Verdict;
use schemars::JsonSchema;
use serde::Serialize;

use super::basis::Basis;
use super::cause_text;
use super::findings::Finding;
use super::status::{self, Rules, Status};
use crate::plan::CONTROLS;
use crate::ports;
use crate::profile::row::{Permit, Row};
use crate::records::Observation;

/// A requirement and its status.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Requirement {
    /// Its name.
    pub(crate) name: String,
    /// What the platform does with it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) function: String,
    /// Who needs it.
    pub(crate) role: String,
    /// Whether the exit code depends on it.
    pub(crate) required: bool,
    /// Whether it works.
    pub(crate) status: Status,
    /// Whether what does not work was known before (`--baseline`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) known: bool,
    /// What limits it, in sentences without their full stop.
    pub(crate) limits: Vec<String>,
    /// How its counted targets ended.
    pub(crate) targets: Targets,
    /// The findings that touch it.
    pub(crate) findings: Vec<String>,
    /// Its status by each way out, where they were checked one by one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) paths: BTreeMap<String, Status>,
    /// What people notice when it does not work.
    #[serde(skip)]
    pub(crate) impact: String,
    /// What it needs in full, as an administrator permits it.
    #[serde(skip)]
    pub(crate) permits: String,
    /// Its observations, by their position.
    #[serde(skip)]
    pub(crate) members: Vec<usize>,
    /// The way out that it works by, where they were checked one by one.
    #[serde(skip)]
    pub(crate) best_path: Option<String>,
}

/// How counted targets ended.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema, PartialEq, Eq)]
pub(crate) struct Targets {
    /// How many there should be.
    pub(crate) planned: u64,
    /// How many work.
    pub(crate) passed: u64,
    /// How many are usable, with limits.
    pub(crate) degraded: u64,
    /// How many cannot be used.
    pub(crate) failed: u64,
    /// Of how many nothing could be found out.
    pub(crate) inconclusive: u64,
}

/// Every requirement of the profile, and every other that records name.
pub(super) fn of(
    basis: &Basis,
    observations: &[Observation],
    findings: &[Finding],
    membership: &[Option<u32>],
    known: &BTreeSet<usize>,
    planned: &BTreeMap<String, u64>,
) -> Vec<Requirement> {
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, observation) in observations.iter().enumerate() {
        members.entry(&observation.labels.requirement).or_default().push(at);
    }
    members.remove(CONTROLS);
    let mut all = Vec::new();
    for row in &basis.profile.rows {
        let of_row = members.remove(row.name.as_str()).unwrap_or_default();
        let planned = planned.get(&row.name).copied().unwrap_or_default();
        let mut requirement = one(&row.name, Some(row), of_row, planned, observations);
        interface(&mut requirement, basis, observations);
        all.push(requirement);
    }
    // Requirements of another profile, or targets without labels, keep their place in every report.
    for (name, of_name) in members {
        all.push(one(name, None, of_name, 0, observations));
    }
    for requirement in &mut all {
        explain(requirement, observations, findings, membership, known);
    }
    all
}

fn one(
    name: &str,
    row: Option<&Row>,
    members: Vec<usize>,
    planned: u64,
    observations: &[Observation],
) -> Requirement {
    let all: Vec<&Observation> = members.iter().map(|at| &observations[*at]).collect();
    let advisory = match row {
        Some(row) => !row.required(),
        None => !all.is_empty() && all.iter().all(|one| !one.labels.required),
    };
    let counted: Vec<&Observation> =
        all.iter().copied().filter(|one| advisory || one.labels.required).collect();
    let rules = rules(row);
    let paths: BTreeSet<Option<&str>> = counted.iter().map(|one| one.labels.path.as_deref()).collect();
    let by_path = |path: &Option<&str>| {
        let of_path: Vec<&Observation> =
            counted.iter().copied().filter(|one| one.labels.path.as_deref() == *path).collect();
        status::judge(&of_path, &rules)
    };
    let mut requirement =
        Requirement { name: name.to_owned(), required: !advisory, members, ..Requirement::default() };
    let first = all.first().map(|one| &one.labels);
    requirement.function =
        row.map(|row| row.function.clone()).or(first.map(|l| l.function.clone())).unwrap_or_default();
    requirement.role = row.map(|row| row.role.clone()).or(first.map(|l| l.role.clone())).unwrap_or_default();
    if let Some(row) = row {
        requirement.impact.clone_from(&row.without);
        requirement.permits = row.permits.iter().map(Permit::text).collect::<Vec<_>>().join("; ");
    }
    let judged = paths.iter().map(|path| (*path, by_path(path))).min_by_key(|(_, judged)| judged.status);
    match judged {
        Some((path, judged)) => {
            requirement.status = judged.status;
            requirement.limits = judged.limits;
            requirement.best_path = path.map(str::to_owned);
        }
        None => requirement.status = Status::NotKnown,
    }
    if paths.len() > 1 {
        let named = paths.iter().map(|path| (path.unwrap_or("unnamed").to_owned(), by_path(path).status));
        requirement.paths = named.collect();
        let differ = requirement.paths.values().collect::<BTreeSet<_>>().len() > 1;
        if differ {
            let words = requirement.paths.iter().map(|(path, status)| format!("{path} {}", status.as_str()));
            requirement.limits.push(format!("by the way out: {}", words.collect::<Vec<_>>().join(", ")));
        }
    }
    requirement.targets = targets(&counted, planned);
    missing(&mut requirement, planned, counted.len() as u64);
    requirement
}

/// A planned target without a record takes the status away, unless it does not work anyway.
fn missing(requirement: &mut Requirement, planned: u64, counted: u64) {
    let missing = planned.saturating_sub(counted);
    if missing > 0 {
        requirement.status = requirement.status.max(Status::NotKnown);
        requirement.limits.push(match counted {
            0 => "nothing was checked".to_owned(),
            _ if missing == 1 => format!("1 of {planned} planned targets has no record"),
            _ => format!("{missing} of {planned} planned targets have no record"),
        });
    }
}

fn rules(row: Option<&Row>) -> Rules<'_> {
    let Some(row) = row else { return Rules::default() };
    let texts = row.permits.iter().flat_map(|permit| [&permit.tcp, &permit.udp]).flatten();
    let ranges = texts.filter_map(|text| ports::parse(text)).flatten();
    Rules { ranges: ranges.filter(|(first, last)| first < last).collect(), fallback: row.fallback.as_deref() }
}

fn targets(counted: &[&Observation], planned: u64) -> Targets {
    let count = |verdict: Verdict| counted.iter().filter(|one| one.verdict == verdict).count() as u64;
    Targets {
        planned: planned.max(counted.len() as u64),
        passed: count(Verdict::Pass),
        degraded: count(Verdict::Degraded),
        failed: count(Verdict::Fail),
        inconclusive: count(Verdict::Inconclusive),
    }
}

/// Fails a requirement that leaves through another interface than was asked for.
fn interface(requirement: &mut Requirement, basis: &Basis, observations: &[Observation]) {
    for (_, wanted) in basis.interfaces.iter().filter(|(name, _)| *name == requirement.name) {
        let all = requirement.members.iter().map(|at| &observations[*at]);
        let stray: Vec<String> = interfaces(all)
            .into_iter()
            .filter(|name| name.strip_suffix(" (tunnel)").unwrap_or(name) != wanted)
            .collect();
        if !stray.is_empty() {
            if requirement.status.usable() {
                requirement.impact = format!("{} does not leave through {wanted}", requirement.name);
            }
            requirement.status = Status::DoesNotWork;
            requirement.limits.push(format!("leaves through {}, expected {wanted}", stray.join(", ")));
        }
    }
}

/// The interfaces that observations left through.
pub(crate) fn interfaces<'a>(members: impl Iterator<Item = &'a Observation>) -> BTreeSet<String> {
    members
        .filter_map(|one| {
            let egress = one.egress.as_ref()?;
            let interface = egress.interface.clone()?;
            Some(if egress.tunnel { format!("{interface} (tunnel)") } else { interface })
        })
        .collect()
}

/// Names the findings that touch a requirement, what limits it, and whether that was known before.
fn explain(
    requirement: &mut Requirement,
    observations: &[Observation],
    findings: &[Finding],
    membership: &[Option<u32>],
    known: &BTreeSet<usize>,
) {
    let counted = |at: &&usize| !requirement.required || observations[**at].labels.required;
    let touched: BTreeSet<u32> = requirement.members.iter().filter_map(|at| membership[*at]).collect();
    let of_counted: BTreeSet<u32> =
        requirement.members.iter().filter(counted).filter_map(|at| membership[*at]).collect();
    requirement.findings = touched.iter().map(|at| findings[*at as usize].id.clone()).collect();
    if requirement.status == Status::Limited {
        for at in &of_counted {
            let clause = cause_text::clause(&findings[*at as usize]);
            if !requirement.limits.contains(&clause) {
                requirement.limits.push(clause);
            }
        }
    }
    let bad: Vec<&usize> =
        requirement.members.iter().filter(counted).filter(|at| !observations[**at].usable()).collect();
    let all_known = !bad.is_empty() && bad.iter().all(|at| known.contains(*at));
    if all_known && requirement.status == Status::DoesNotWork {
        requirement.known = true;
        let service = bad.iter().all(|at| observations[**at].reason() == Some(Reason::ServiceDown));
        requirement
            .limits
            .push(if service { "the service's fault, known before" } else { "known before" }.to_owned());
    }
    advisory(requirement, observations);
}

/// Advisory targets of a required requirement: said, never counted.
fn advisory(requirement: &mut Requirement, observations: &[Observation]) {
    let bad: Vec<String> = requirement
        .members
        .iter()
        .map(|at| &observations[*at])
        .filter(|one| requirement.required && !one.labels.required && !one.usable())
        .take(8)
        .map(|one| format!("{} {}", one.target(), one.outcome_code()))
        .collect();
    if !bad.is_empty() {
        requirement.limits.push(format!("advisory, not counted: {}", bad.join(", ")));
    }
}

/// Which observations a requirement depends on: all, or those of the way out that works best.
pub(super) fn needed(requirements: &[Requirement], observations: &[Observation]) -> Vec<bool> {
    let mut needed = vec![true; observations.len()];
    for requirement in requirements.iter().filter(|one| one.paths.len() > 1 && one.status.usable()) {
        for at in &requirement.members {
            needed[*at] = observations[*at].labels.path == requirement.best_path;
        }
    }
    // A host that nobody confirmed and that does not answer says nothing beside what works.
    for requirement in requirements.iter().filter(|one| one.status.usable()) {
        for at in &requirement.members {
            let one = &observations[*at];
            let absent = one.labels.confirmed == Some(false) && !one.usable();
            needed[*at] &= !(absent && one.reason().is_none_or(|reason| reason == Reason::Unknown));
        }
    }
    needed
}

/// Findings about a way out that is not needed are not required.
pub(super) fn required_only(
    mut findings: Vec<Finding>,
    needed: &[bool],
    observations: &[Observation],
) -> Vec<Finding> {
    for finding in &mut findings {
        finding.required &= finding.members.iter().any(|at| needed[*at] && observations[*at].labels.required);
    }
    findings
}

/// Required requirements first, the worst of them first.
pub(super) fn sort(requirements: &mut [Requirement]) {
    requirements.sort_by_key(|one| (!one.required, std::cmp::Reverse(one.status)));
}

/// The worst status of the required requirements of each role.
pub(super) fn roles(requirements: &[Requirement]) -> BTreeMap<String, Status> {
    let mut roles: BTreeMap<String, Status> = BTreeMap::new();
    for requirement in requirements.iter().filter(|one| one.required) {
        let worst = roles.entry(requirement.role.clone()).or_insert(Status::Works);
        *worst = (*worst).max(requirement.status);
    }
    roles
}
