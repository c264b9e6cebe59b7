//! What a run means: the report of `netcheck`, read back as far as the hub needs it.

use serde::Deserialize;

use super::store::{CellStatus, RunFinding, RunStatus};
use crate::plan::Plan;
use crate::run::Unpacked;

/// `netcheck report --format json`, in part.
#[derive(Deserialize)]
struct Report {
    headline: String,
    run: RunPart,
    requirements: Vec<Requirement>,
    findings: Vec<Finding>,
    requests: Vec<Request>,
}

#[derive(Deserialize)]
struct RunPart {
    #[serde(default)]
    finished: Option<String>,
    #[serde(default)]
    started: Option<String>,
    #[serde(default)]
    problems: Vec<String>,
}

#[derive(Deserialize)]
struct Requirement {
    name: String,
    role: String,
    required: bool,
    status: String,
    findings: Vec<String>,
}

#[derive(Deserialize)]
struct Finding {
    id: String,
    cause: String,
    who: String,
    summary: String,
    requirements: Vec<String>,
    #[serde(default)]
    names: Names,
}

#[derive(Default, Deserialize)]
struct Names {
    authority: Option<String>,
    vendor: Option<String>,
    portal: Option<String>,
}

#[derive(Deserialize)]
struct Request {
    text: String,
}

/// The most findings, and the most requests, that are kept of a run.
const MOST: usize = 100;

/// Judges a run by the plan it followed.
///
/// # Errors
/// It holds no records of a run.
pub(super) fn judge(id: &str, run: &Unpacked, plan: &Plan) -> Result<(RunStatus, Vec<CellStatus>), String> {
    let text = netcheck::report_of(&run.records, &plan.profile)?;
    let report: Report =
        serde_json::from_str(&text).map_err(|why| format!("the report cannot be read: {why}"))?;
    let finished = report.run.finished.or(report.run.started).unwrap_or_default();
    let summary =
        |id: &String| report.findings.iter().find(|one| one.id == *id).map(|one| one.summary.clone());
    let cells: Vec<CellStatus> = report
        .requirements
        .iter()
        .map(|one| CellStatus {
            run: id.to_owned(),
            sequence: 0,
            requirement: one.name.clone(),
            role: one.role.clone(),
            required: one.required,
            status: one.status.clone(),
            findings: one.findings.iter().filter_map(summary).take(MOST).collect(),
            finished: finished.clone(),
        })
        .collect();
    let findings = report.findings.into_iter().take(MOST).map(|one| RunFinding {
        cause: one.cause,
        who: one.who,
        named: one.names.vendor.or(one.names.authority).or(one.names.portal),
        summary: one.summary,
        requirements: one.requirements,
    });
    let mut headline = report.headline;
    if let Some(problem) = report.run.problems.first() {
        headline = format!("{problem} {headline}");
    }
    let status = RunStatus {
        run: id.to_owned(),
        sequence: 0,
        headline,
        finished,
        plan: plan.version,
        interval: plan.interval,
        requirements: cells.iter().map(|cell| cell.requirement.clone()).collect(),
        findings: findings.collect(),
        requests: report.requests.into_iter().take(MOST).map(|one| one.text).collect(),
    };
    Ok((status, cells))
}
