//! What a run means: records become findings, requirement statuses, requests and a headline, in named passes.
//! Every pass is a pure function of observations; the order of the records does not matter.

mod answered;
mod basis;
mod cause_text;
mod common_cause;
mod completeness;
mod findings;
mod headline;
mod host_place;
mod interception;
mod loss;
mod permits;
mod proof;
mod reconcile;
mod report;
mod request;
mod request_text;
mod requests;
mod requirements;
mod status;

pub(crate) use basis::Basis;
pub(crate) use cause_text::{confidence, hosts, of_the_access, place, ports, short, who};
pub(crate) use completeness::{Completeness, bad_lines};
pub(crate) use findings::Finding;
pub(crate) use headline::{role_name, sentences};
pub(crate) use report::Report;
pub(crate) use request::Rule;
#[cfg(test)]
use request::{Addressee, Request};
pub(crate) use request_text::{heading, word};
pub(crate) use requirements::{Requirement, interfaces};
pub(crate) use status::Status;

use crate::records::{Input, Observation};

/// What a run means, and the observations it rests on.
#[derive(Debug)]
pub(crate) struct Assessment {
    /// What is printed.
    pub(crate) report: Report,
    /// The observations that were judged, in the order of their targets.
    pub(crate) observations: Vec<Observation>,
    /// The finding of each observation, by its position in the report.
    pub(crate) membership: Vec<Option<u32>>,
}

/// Judges what was read.
pub(crate) fn assess(basis: &Basis, input: &mut Input) -> Assessment {
    let judged = completeness::judged(input);
    let mut observations = input.take();
    let earlier = match judged.all() {
        true => Vec::new(),
        false => observations.extract_if(.., |one| !judged.holds(one)).collect(),
    };
    let completeness = completeness::of(basis, input, &judged, &observations);
    let judge_round = |observations, completeness: &Completeness| {
        judge(basis, observations, completeness, None).report.requirements
    };
    let timeline = completeness::timeline(basis, input, &judged, earlier, judge_round);
    let mut assessment = judge(basis, observations, &completeness, input.public_address.as_deref());
    assessment.report.timeline = timeline;
    assessment
}

/// Judges observations of one run.
fn judge(
    basis: &Basis,
    observations: Vec<Observation>,
    completeness: &Completeness,
    public_address: Option<&str>,
) -> Assessment {
    let mut observations = each_target_once(observations);
    reconcile::apply(&mut observations);
    let common = common_cause::apply(&mut observations);
    let loss = if common.is_none() { loss::apply(&mut observations) } else { None };
    if common.is_none() && loss.is_none() {
        answered::apply(&mut observations);
    }
    if common.is_none() {
        proof::apply(&mut observations);
    }
    let known = basis.baseline.map(|baseline| baseline.apply(&mut observations)).unwrap_or_default();
    let findings = findings::group(&observations, &known, loss, common);
    let membership = membership(&findings, observations.len());
    let mut requirements =
        requirements::of(basis, &observations, &findings, &membership, &known, &completeness.planned);
    let needed = requirements::needed(&requirements, &observations);
    let findings = requirements::required_only(findings, &needed, &observations);
    requirements::sort(&mut requirements);
    let working =
        requirements.iter().filter(|one| one.status.usable()).map(|one| one.name.as_str()).collect();
    let requests = requests::of(&findings, &observations, &needed, &working, basis.profile, public_address);
    let mut report = Report {
        v: 1,
        run: completeness.run.clone(),
        headline: String::new(),
        roles: requirements::roles(&requirements),
        requirements,
        findings,
        requests,
        timeline: Vec::new(),
    };
    report.headline = headline::of(&report);
    Assessment { report, observations, membership }
}

/// The observations in the order of their targets; of a target that was checked twice, the newest.
fn each_target_once(mut observations: Vec<Observation>) -> Vec<Observation> {
    observations.sort_unstable_by(|one, other| {
        let newest = (other.time, other.verdict, other.code).cmp(&(one.time, one.verdict, one.code));
        one.key().cmp(&other.key()).then(newest).then(one.cause.cmp(&other.cause))
    });
    observations.dedup_by(|one, kept| one.key() == kept.key());
    observations
}

/// The finding of each observation.
fn membership(findings: &[Finding], count: usize) -> Vec<Option<u32>> {
    let mut membership = vec![None; count];
    for (at, finding) in findings.iter().enumerate() {
        for member in &finding.members {
            membership[*member] = u32::try_from(at).ok();
        }
    }
    membership
}

impl Assessment {
    /// The exit code: 2 over fewer records than planned, over nothing, or over unrelated runs; else by the requirements.
    pub(crate) fn exit_code(&self, strict: bool, ignore_known: bool) -> u8 {
        if !self.report.run.problems.is_empty() {
            return 2;
        }
        let worst = if strict { Status::Works } else { Status::Limited };
        let bad = |requirement: &&Requirement| {
            requirement.required && requirement.status > worst && !(ignore_known && requirement.known)
        };
        u8::from(self.report.requirements.iter().any(|requirement| bad(&requirement)))
    }

    /// The observations of a requirement.
    pub(crate) fn of<'a>(&'a self, requirement: &'a Requirement) -> impl Iterator<Item = &'a Observation> {
        requirement.members.iter().map(|at| &self.observations[*at])
    }
}

#[cfg(test)]
mod cause_tests;
#[cfg(test)]
mod tests;
