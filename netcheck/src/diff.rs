//! `diff`: what changed between two runs, or two places.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::assess::{self, Assessment, Basis};
use crate::out;
use crate::plan;
use crate::ports;
use crate::profile::choice::Choice;
use crate::records::{Input, Observation};
use crate::wrap;

/// Show what changed between two runs, or two places; exit 1 if something required broke or is missing
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// Records of the first run
    before: PathBuf,
    /// Records of the second
    after: PathBuf,
}

/// What happened to a target between two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// It worked and does not any more.
    Broken,
    /// It did not work and does now.
    Fixed,
    /// It does not work, for another reason.
    OtherCause,
    /// It works, and what there is to know changed.
    Remark,
    /// Only the second run has it.
    New,
    /// Only the first run has it.
    Gone,
}

impl Change {
    fn heading(self) -> &'static str {
        match self {
            Change::Broken => "Broken",
            Change::Fixed => "Fixed",
            Change::OtherCause => "Still failing, for another reason",
            Change::Remark => "Still works, with another remark",
            Change::New => "Only in the second",
            Change::Gone => "Only in the first: not checked any more",
        }
    }
}

/// Targets of one row, host and scheme that changed in the same way.
type Runs = BTreeMap<(String, String, String, String), Vec<Option<u16>>>;

/// The differences of two sets of records.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    changes: BTreeMap<Change, Runs>,
    /// Rows of which the second run has nothing at all.
    absent: BTreeSet<String>,
    /// Whether a required target broke, or was not checked any more.
    broke: bool,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn run(args: &Args) -> Result<u8, String> {
    let (before, bad_before) = read(&args.before)?;
    let (after, bad_after) = read(&args.after)?;
    let problems = problems("first", &before) + &problems("second", &after);
    let difference = Difference::of(&before.observations, &after.observations);
    out::print(&format!("{problems}{}", difference.text()))?;
    match bad_before + bad_after {
        0 if problems.is_empty() => Ok(u8::from(difference.broke)),
        0 => Ok(2),
        bad => Err(assess::bad_lines(bad)),
    }
}

/// What a file means, and how many of its lines are no records.
fn read(file: &PathBuf) -> Result<(Assessment, u64), String> {
    let mut input = Input::read(std::slice::from_ref(file))?;
    let (profile, sample) = Choice::default().of_input(&input)?;
    let lines = plan::lines(&profile, sample).unwrap_or_default();
    let basis = Basis { profile: &profile, plan: &lines, baseline: None, interfaces: &[], narrowed: false };
    let assessment = assess::assess(&basis, &mut input);
    Ok((assessment, input.bad))
}

/// Why one side is not a whole run, before anything else is said.
fn problems(which: &str, side: &Assessment) -> String {
    let sentence = |problem: &String| wrap::hanging("", &format!("The {which} run: {problem}"));
    side.report.run.problems.iter().map(sentence).collect()
}

impl Difference {
    /// What changed from `before` to `after`. Where a target occurs twice, its last record counts.
    pub(crate) fn of(before: &[Observation], after: &[Observation]) -> Difference {
        let by_target = |records: &[Observation]| -> BTreeMap<(String, String), usize> {
            let key = |record: &Observation| (row(record), record.target());
            records.iter().enumerate().map(|(at, record)| (key(record), at)).collect()
        };
        let (old, new) = (by_target(before), by_target(after));
        let rows = |of: &BTreeMap<(String, String), usize>| -> BTreeSet<String> {
            of.keys().map(|(row, _)| row.clone()).collect()
        };
        let absent = rows(&old).difference(&rows(&new)).cloned().collect();
        let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        let mut difference = Difference { absent, ..Difference::default() };
        for key in keys {
            let (was, is) = (old.get(key).map(|at| &before[*at]), new.get(key).map(|at| &after[*at]));
            if let Some(change) = change(was, is) {
                let worse = matches!(change, Change::Broken | Change::Gone);
                difference.broke |= worse && is.or(was).is_some_and(|one| one.labels.required);
                difference.note(change, key, was, is);
            }
        }
        difference
    }

    fn note(
        &mut self,
        change: Change,
        (row, target): &(String, String),
        was: Option<&Observation>,
        is: Option<&Observation>,
    ) {
        let place = crate::target::Place::of(target);
        let outcomes = [was, is].map(|record| record.map_or("", Observation::outcome_code)).join(" → ");
        let outcomes = outcomes.trim_matches([' ', '→']).to_owned();
        let counted = is.or(was).is_none_or(|one| one.labels.required);
        let row = if counted { row.clone() } else { format!("{row}, not counted") };
        let key = (row, place.scheme.clone(), place.host.clone(), outcomes);
        self.changes.entry(change).or_default().entry(key).or_default().push(place.port);
    }

    /// In sentences, neighbouring ports as ranges.
    pub(crate) fn text(&self) -> String {
        if self.changes.is_empty() {
            return "Nothing changed.\n".into();
        }
        let mut text = String::new();
        if !self.absent.is_empty() {
            let rows: Vec<&str> = self.absent.iter().map(String::as_str).collect();
            text.push_str(&wrap::hanging("", &format!("The second has no record of {}.", rows.join(", "))));
        }
        for (change, runs) in &self.changes {
            let count: usize = runs.values().map(Vec::len).sum();
            text.push_str(&format!("{} ({count}):\n", change.heading()));
            for ((row, scheme, host, outcomes), numbers) in runs {
                let ports = ports::text(numbers.iter().flatten().copied());
                let ports = if ports.is_empty() { String::new() } else { format!(" port {ports}") };
                let line = format!("{row}: {scheme}://{host}{ports}: {outcomes}");
                text.push_str(&wrap::hanging("  - ", &line));
            }
        }
        text
    }
}

/// The row of a record; where the ways out were checked one by one (`check --path`), with its way.
fn row(record: &Observation) -> String {
    match &record.labels.path {
        Some(way) => format!("{} ({way})", record.labels.requirement),
        None => record.labels.requirement.clone(),
    }
}

fn change(was: Option<&Observation>, is: Option<&Observation>) -> Option<Change> {
    let (was, is) = match (was, is) {
        (None, _) => return Some(Change::New),
        (_, None) => return Some(Change::Gone),
        (Some(was), Some(is)) => (was, is),
    };
    let same = was.outcome_code() == is.outcome_code();
    match (was.usable(), is.usable()) {
        (true, false) => Some(Change::Broken),
        (false, true) => Some(Change::Fixed),
        (false, false) if !same => Some(Change::OtherCause),
        (true, true) if !same => Some(Change::Remark),
        _ => None,
    }
}
