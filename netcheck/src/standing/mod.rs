//! How a row stands: its verdict, made from its records.

mod judge;

use netcheck_record::cause::{Confidence, Reason};
use netcheck_record::record::{Record, Verdict};

/// How a row stands, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum State {
    /// Every required target is proven.
    Pass,
    /// Usable, and an administrator should know.
    Degraded,
    /// Nothing looked at it, or not at all of it.
    NotChecked,
    /// Could not be found out.
    Inconclusive,
    /// Not usable from here.
    Fail,
}

impl State {
    /// The word in tables and reports.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            State::Pass => "pass",
            State::Degraded => "degraded",
            State::NotChecked => "not checked",
            State::Inconclusive => "inconclusive",
            State::Fail => "fail",
        }
    }

    fn of(verdict: Verdict) -> State {
        match verdict {
            Verdict::Pass => State::Pass,
            Verdict::Degraded => State::Degraded,
            Verdict::Inconclusive => State::Inconclusive,
            Verdict::Fail => State::Fail,
        }
    }
}

/// A row's verdict, and what it rests on.
#[derive(Debug)]
pub(crate) struct Standing<'a> {
    /// The row.
    pub(crate) name: String,
    /// What the platform does with it.
    pub(crate) function: String,
    /// What a person notices when it does not work.
    pub(crate) without: String,
    /// Who needs it.
    pub(crate) role: String,
    /// What it needs in full, as an administrator permits it.
    pub(crate) permits: String,
    /// Whether it counts.
    pub(crate) required: bool,
    /// The verdict.
    pub(crate) state: State,
    /// How many counted targets are usable.
    pub(crate) good: u64,
    /// How many counted targets there are.
    pub(crate) total: u64,
    /// The records that the verdict rests on, where it is not `pass`.
    pub(crate) decisive: Vec<&'a Record>,
    /// Every record of the row.
    pub(crate) records: Vec<&'a Record>,
    /// What the verdict alone does not say.
    pub(crate) notes: Vec<String>,
}

/// A text label of a record.
pub(crate) fn label<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    record.labels.as_ref()?.get(name)?.as_str()
}

/// A yes-or-no label of a record.
pub(crate) fn flag(record: &Record, name: &str) -> Option<bool> {
    record.labels.as_ref()?.get(name)?.as_bool()
}

/// What became of a target, in one word: the verdict's, the cause's or the failure's.
pub(crate) fn fate(record: &Record) -> &'static str {
    match (&record.cause, &record.failure) {
        _ if record.verdict == Verdict::Pass => "pass",
        (Some(cause), _) if cause.code != Reason::Unknown => cause.code.as_str(),
        (_, Some(failure)) => failure.code.as_str(),
        _ => record.verdict.as_str(),
    }
}

/// Whether a target stayed silent that need not answer, and nothing shows that the network keeps it silent.
pub(crate) fn need_not_answer(record: &Record) -> bool {
    let proven = record.cause.as_ref().is_some_and(|cause| cause.confidence == Confidence::High);
    flag(record, "known_to_answer") == Some(false) && record.verdict == Verdict::Inconclusive && !proven
}

/// Whether a target can be used.
pub(crate) fn usable(record: &Record) -> bool {
    matches!(record.verdict, Verdict::Pass | Verdict::Degraded)
}

/// Whether a record counts in its row: what is required, or anything where the whole row is advisory.
fn counts(record: &Record, advisory: bool) -> bool {
    advisory || record.required()
}

/// The verdict of one row. `expected` is how many counted records there should be; `fallback` says what it
/// means when only the fallback works.
pub(crate) fn of<'a>(
    name: &str,
    records: Vec<&'a Record>,
    expected: u64,
    fallback: Option<&str>,
) -> Standing<'a> {
    let advisory = !records.is_empty() && records.iter().all(|record| !record.required());
    let counted: Vec<&Record> = records.iter().copied().filter(|record| counts(record, advisory)).collect();
    let mut notes = Vec::new();
    let (mut state, decisive) = judge::verdict(&counted, fallback, &mut notes);
    let missing = expected.saturating_sub(counted.len() as u64);
    if missing > 0 {
        state = state.max(State::NotChecked);
        if !counted.is_empty() {
            notes.push(format!("{missing} of {expected} targets were not checked"));
        }
    }
    notes.extend(idle(&counted));
    notes.extend(aside(&records, advisory));
    let text = |label_name: &str| {
        records.iter().find_map(|record| label(record, label_name)).unwrap_or_default().to_owned()
    };
    Standing {
        name: name.to_owned(),
        function: text("function"),
        without: String::new(),
        permits: String::new(),
        role: text("role"),
        required: !advisory,
        state,
        good: counted.iter().filter(|record| usable(record)).count() as u64,
        total: expected.max(counted.len() as u64),
        decisive,
        records,
        notes,
    }
}

/// One port that nobody listens on is nothing; all of them are a service that may be off.
fn idle(counted: &[&Record]) -> Option<String> {
    let refused =
        |record: &&Record| record.cause.as_ref().is_some_and(|cause| cause.code == Reason::PortIdle);
    (counted.len() > 1 && counted.iter().all(refused)).then(|| {
        "refused by the service itself on every port: the way is open, but whether it works was not seen"
            .to_owned()
    })
}

/// Advisory targets of a required row: said, never counted.
fn aside(records: &[&Record], advisory: bool) -> Option<String> {
    let bad: Vec<String> = records
        .iter()
        .filter(|record| !counts(record, advisory) && !usable(record))
        .map(|record| format!("{} {}", record.target, fate(record)))
        .collect();
    (!bad.is_empty()).then(|| format!("advisory, not counted: {}", bad.join(", ")))
}

#[cfg(test)]
mod tests;
