//! Whether the records are those of one whole run: what is missing is said before anything else.

use std::collections::{BTreeMap, BTreeSet};

use super::basis::Basis;
use super::report::{Round, RunSummary};
use super::requirements::Requirement;
use super::status::Status;
use crate::baseline::Baseline;
use crate::plan::CONTROLS;
use crate::records::{Input, Observation, Run, utc};

/// As many earlier rounds of a series are judged.
const ROUNDS: usize = 100;

/// Which records are judged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judged {
    /// The runs, by their position in the input; none where the input has no run lines.
    runs: BTreeSet<u32>,
    /// Earlier rounds of the same series.
    earlier: Vec<u32>,
    /// Whether records without a run are judged.
    without_run: bool,
    /// How many runs there are that have nothing to do with each other.
    unrelated: usize,
}

/// A run's summary, and what was planned for each requirement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Completeness {
    /// What the report says of the run.
    pub(crate) run: RunSummary,
    /// How many counted records each requirement should have; absent where that is not known.
    pub(crate) planned: BTreeMap<String, u64>,
}

impl Judged {
    /// Whether everything that was read is judged.
    pub(super) fn all(&self) -> bool {
        self.earlier.is_empty()
    }

    /// Whether an observation is judged.
    pub(crate) fn holds(&self, observation: &Observation) -> bool {
        observation.run().map_or(self.without_run, |run| self.runs.contains(&run))
    }
}

/// Which records are judged: of a series, those of the newest complete round.
pub(super) fn judged(input: &Input) -> Judged {
    let series = |run: &Run| run.start.as_ref().and_then(|start| start.series.clone());
    let mut groups: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (at, run) in input.runs.iter().enumerate() {
        let name = series(run).unwrap_or_else(|| format!("\u{0}{}", run.id));
        groups.entry(name).or_default().push(u32::try_from(at).unwrap_or(u32::MAX));
    }
    let mut judged = Judged { without_run: true, ..Judged::default() };
    for rounds in groups.values() {
        let mut rounds = rounds.clone();
        let started =
            |at: &u32| run(input, *at).and_then(|run| run.start.as_ref()).map(|start| start.started.clone());
        rounds.sort_by_key(|at| (started(at), *at));
        let complete = rounds.iter().rposition(|at| run(input, *at).is_some_and(complete));
        let chosen = complete.unwrap_or(rounds.len().saturating_sub(1));
        judged.runs.extend(rounds.get(chosen).copied());
        judged.earlier.extend(rounds.iter().take(chosen).copied());
    }
    judged.unrelated = groups.len() + usize::from(input.without_run > 0 && !groups.is_empty());
    judged
}

fn run(input: &Input, at: u32) -> Option<&Run> {
    input.runs.get(at as usize)
}

/// Whether a run ended by itself with every record it planned.
fn complete(run: &Run) -> bool {
    match (&run.start, &run.end) {
        (Some(start), Some(end)) => !end.interrupted && end.written >= start.planned,
        _ => false,
    }
}

/// What the report says of the run first.
pub(super) fn of(
    basis: &Basis,
    input: &Input,
    judged: &Judged,
    observations: &[Observation],
) -> Completeness {
    let runs: Vec<&Run> = judged.runs.iter().filter_map(|at| run(input, *at)).collect();
    let mut summary = RunSummary {
        written: observations.len() as u64,
        newest: observations.iter().map(|one| one.time).max().unwrap_or_default() / 1000,
        ..RunSummary::default()
    };
    let mut planned = by_requirement(basis);
    let paths =
        runs.iter().filter_map(|run| run.start.as_ref()).map(|start| start.chosen.path.len().max(1) as u64);
    let times = paths.max().unwrap_or(1);
    planned.values_mut().for_each(|count| *count *= times);
    let whole: u64 = basis.plan.iter().map(|line| line.count).sum::<u64>() * times;
    summary.planned =
        match runs.iter().filter_map(|run| run.start.as_ref()).map(|start| start.planned).sum::<u64>() {
            said if said > 0 && !basis.narrowed => said,
            _ => whole,
        };
    if let [run] = runs.as_slice() {
        of_run(&mut summary, run);
    }
    problems(&mut summary, basis, judged, &runs);
    summary.notes = notes(&runs);
    summary.warnings.extend(warnings(basis, input, &runs, summary.written));
    Completeness { run: summary, planned }
}

/// How many counted records each requirement should have.
fn by_requirement(basis: &Basis) -> BTreeMap<String, u64> {
    let mut planned: BTreeMap<String, u64> = BTreeMap::new();
    for line in basis.plan.iter().filter(|line| line.row != CONTROLS) {
        *planned.entry(line.row.clone()).or_default() += if line.counted { line.count } else { 0 };
    }
    planned
}

fn of_run(summary: &mut RunSummary, run: &Run) {
    summary.id = Some(run.id.clone());
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    if let Some(start) = &run.start {
        summary.profile = Some(start.profile.clone());
        summary.started = text(&start.started);
        summary.host = text(&start.host);
        summary.tool = text(&start.tool);
    }
    if let Some(end) = &run.end {
        summary.finished = text(&end.finished);
        summary.interrupted = end.interrupted;
    }
}

fn problems(summary: &mut RunSummary, basis: &Basis, judged: &Judged, runs: &[&Run]) {
    let mut problems = Vec::new();
    let missing = summary.planned.saturating_sub(summary.written);
    if summary.written == 0 {
        problems
            .push(format!("There is no record: nothing was checked of {} planned targets.", summary.planned));
    } else if summary.interrupted {
        problems.push(format!("Interrupted after {} of {} targets.", summary.written, summary.planned));
    } else if missing > 0 && !runs.is_empty() {
        let targets = if missing == 1 { "target has" } else { "targets have" };
        problems.push(format!(
            "{missing} planned {targets} no record ({} of {}).",
            summary.written, summary.planned
        ));
    }
    if summary.written > 0 && runs.iter().any(|run| run.start.is_some() && run.end.is_none()) {
        problems.push("The run has no end line: it was killed, or this is a part of its file.".to_owned());
    }
    if runs.iter().any(|run| run.start.is_none()) {
        problems.push("The first line of the run is missing: what was planned is not known.".to_owned());
    }
    if judged.unrelated > 1 {
        problems.push(format!(
            "These records are of {} unrelated runs: give the files of one run.",
            judged.unrelated
        ));
    }
    for start in runs.iter().filter_map(|run| run.start.as_ref()) {
        let (was, is) = (&start.profile, basis.profile);
        if !was.name.is_empty() && was.name != is.name {
            problems.push(format!(
                "These records are of the profile \"{}\", and not of \"{}\".",
                was.name, is.name
            ));
        }
    }
    problems.dedup();
    summary.problems = problems;
}

fn warnings(basis: &Basis, input: &Input, runs: &[&Run], written: u64) -> Vec<String> {
    let mut warnings = Vec::new();
    if runs.is_empty() && written > 0 {
        warnings.push(format!(
            "Completeness unknown: the input has no run lines; it is judged against the profile \"{}\".",
            basis.profile.name
        ));
    }
    let digest = &basis.profile.digest;
    let changed = runs.iter().filter_map(|run| run.start.as_ref()).any(|start| {
        start.profile.name == basis.profile.name
            && !start.profile.sha256.is_empty()
            && start.profile.sha256 != *digest
    });
    if changed {
        warnings.push(format!("The profile \"{}\" has changed since this run.", basis.profile.name));
    }
    if input.torn {
        warnings.push("The last line of the input ends in the middle and was ignored.".to_owned());
    } else if input.bad > 0 {
        warnings.push(bad_lines(input.bad));
    }
    warnings.extend(basis.baseline.and_then(Baseline::warning));
    warnings
}

/// What a run does not look for.
fn notes(runs: &[&Run]) -> Vec<String> {
    let flags: Vec<&String> =
        runs.iter().filter_map(|run| run.start.as_ref()).flat_map(|start| &start.flags).collect();
    let has = |name: &str| flags.iter().any(|flag| *flag == name || flag.starts_with(&format!("{name}=")));
    let mut notes = Vec::new();
    let looked = has("--thorough") || (has("--hold") && has("--count"));
    if !(runs.is_empty() || looked) {
        let quick = "A quick run does not see idle timeouts, rare packet loss or jitter; `netcheck check --thorough` looks for \
                     them and takes about 70 s.";
        notes.push(quick.to_owned());
    }
    let proxied = flags.windows(2).any(|pair| pair[0] == "--path" && pair[1].contains("proxy"));
    let tried = |run: &&Run| {
        run.start.as_ref().is_some_and(|start| start.chosen.path.iter().any(|path| path == "proxy"))
    };
    if proxied && !runs.iter().any(tried) {
        notes.push("No proxy is configured: only the direct way was checked.".to_owned());
    }
    notes
}

/// What is said of lines that are neither records nor run lines.
pub(crate) fn bad_lines(count: u64) -> String {
    match count {
        1 => "1 line is not a record and was ignored.".to_owned(),
        count => format!("{count} lines are not records and were ignored."),
    }
}

/// What earlier rounds of the same series ended with.
pub(super) fn timeline(
    basis: &Basis,
    input: &Input,
    judged: &Judged,
    earlier: Vec<Observation>,
    judge: impl Fn(Vec<Observation>, &Completeness) -> Vec<Requirement>,
) -> Vec<Round> {
    let skip = judged.earlier.len().saturating_sub(ROUNDS);
    let mut rounds: BTreeMap<u32, Vec<Observation>> =
        judged.earlier.iter().skip(skip).map(|at| (*at, Vec::new())).collect();
    if rounds.is_empty() {
        return Vec::new();
    }
    for observation in earlier {
        if let Some(round) = observation.run().and_then(|run| rounds.get_mut(&run)) {
            round.push(observation);
        }
    }
    let round = |(at, observations): (u32, Vec<Observation>)| {
        let only = Judged { runs: BTreeSet::from([at]), unrelated: 1, ..Judged::default() };
        let completeness = of(basis, input, &only, &observations);
        let first = observations.iter().map(|one| one.time).min().map(utc).unwrap_or_default();
        let started = completeness.run.started.clone().unwrap_or(first);
        let requirements = judge(observations, &completeness);
        let required = || requirements.iter().filter(|one| one.required);
        Round {
            started,
            status: required().map(|one| one.status).max().unwrap_or(Status::NotKnown),
            not_working: required().filter(|one| !one.status.usable()).map(|one| one.name.clone()).collect(),
        }
    };
    rounds.into_iter().map(round).collect()
}
