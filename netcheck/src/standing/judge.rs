//! The rules by which records become a row's verdict.

use netcheck_record::cause::{Confidence, Who};
use netcheck_record::failure::Code;
use netcheck_record::record::{Record, Verdict};

use super::{State, flag, label, need_not_answer, usable};
use crate::ports;
use crate::target::Place;

/// The verdict of the records that count, and those that it rests on.
pub(super) fn verdict<'a>(
    counted: &[&'a Record],
    fallback: Option<&str>,
    notes: &mut Vec<String>,
) -> (State, Vec<&'a Record>) {
    if counted.is_empty() {
        return (State::NotChecked, Vec::new());
    }
    let way = |wanted: Option<&str>| {
        counted.iter().copied().filter(|record| label(record, "way") == wanted).collect::<Vec<_>>()
    };
    let (main, any, spare) = (way(None), way(Some("any")), way(Some("fallback")));
    let (mut state, mut decisive) = if spare.is_empty() {
        all(&main, counted, notes)
    } else {
        with_fallback(&main, &spare, fallback, notes)
    };
    if !any.is_empty() {
        let (of_any, bad) = one_of(&any, notes);
        if main.is_empty() || of_any > state {
            (state, decisive) = (of_any, bad);
        }
    }
    (state, decisive)
}

/// Every one of them has to work.
fn all<'a>(main: &[&'a Record], siblings: &[&Record], notes: &mut Vec<String>) -> (State, Vec<&'a Record>) {
    let states: Vec<(State, &Record)> =
        main.iter().filter_map(|record| Some((stands(record, siblings)?, *record))).collect();
    let silent: Vec<&Record> = main.iter().copied().filter(|record| need_not_answer(record)).collect();
    let worst = states.iter().map(|(state, _)| *state).max();
    let state = match worst {
        None if main.is_empty() => State::Pass,
        None => State::Inconclusive,
        Some(State::Pass) if !silent.is_empty() => State::Degraded,
        Some(worst) => worst,
    };
    if !silent.is_empty() {
        let places: Vec<Place> = silent.iter().map(|record| Place::of(&record.target)).collect();
        let transport = places.first().map_or("", Place::transport);
        let ports = ports::text(places.iter().filter_map(|place| place.port));
        notes.push(format!(
            "{transport} {ports} could not be proven: no answer, and the host asked need not give one"
        ));
    }
    let absent = main.len().saturating_sub(states.len() + silent.len());
    if absent > 0 {
        notes.push(format!("{absent} unconfirmed hosts did not answer and were left out"));
    }
    let mut decisive: Vec<&Record> = states
        .iter()
        .filter(|(of, _)| *of == state && state != State::Pass)
        .map(|(_, record)| *record)
        .collect();
    if decisive.is_empty() && state != State::Pass {
        decisive = main.iter().copied().filter(|record| !usable(record)).collect();
    }
    (state, decisive)
}

/// One of them is enough; the closed ports are named.
fn one_of<'a>(any: &[&'a Record], notes: &mut Vec<String>) -> (State, Vec<&'a Record>) {
    let best = any.iter().map(|record| State::of(record.verdict)).min().unwrap_or(State::NotChecked);
    if best > State::Degraded {
        let worst = any.iter().map(|record| State::of(record.verdict)).max().unwrap_or(best);
        return (worst, any.to_vec());
    }
    let open =
        |port: &u16| any.iter().any(|record| Place::of(&record.target).port == Some(*port) && usable(record));
    let mut closed: Vec<u16> = any.iter().filter_map(|record| Place::of(&record.target).port).collect();
    closed.sort_unstable();
    closed.dedup();
    closed.retain(|port| !open(port));
    if !closed.is_empty() {
        notes.push(format!("one open port is enough; closed here: {}", ports::text(closed)));
    }
    let decisive =
        any.iter().copied().filter(|record| best == State::Degraded && State::of(record.verdict) == best);
    (best, decisive.collect())
}

/// The main ones have to work; the fallback keeps the row usable.
fn with_fallback<'a>(
    main: &[&'a Record],
    spare: &[&'a Record],
    text: Option<&str>,
    notes: &mut Vec<String>,
) -> (State, Vec<&'a Record>) {
    let bad = |of: &[&'a Record]| {
        of.iter().copied().filter(|record| record.verdict != Verdict::Pass).collect::<Vec<_>>()
    };
    let some = |of: &[&Record]| of.iter().any(|record| usable(record));
    let port = |of: &[&Record]| {
        let transport = of.first().map_or("TCP", |record| Place::of(&record.target).transport());
        format!("{transport} {}", ports::text(of.iter().filter_map(|record| Place::of(&record.target).port)))
    };
    match (bad(main), bad(spare)) {
        (none, spare_bad) if none.is_empty() && spare_bad.is_empty() => (State::Pass, none),
        (none, spare_bad) if none.is_empty() && !main.is_empty() => {
            notes.push(format!("the fallback, {}, does not work everywhere", port(spare)));
            (State::Degraded, spare_bad)
        }
        (main_bad, _) if some(main) => {
            let working = main.iter().filter(|record| usable(record)).count();
            if working < main.len() {
                notes.push(format!("{working} of {} hosts work on {}", main.len(), port(main)));
            }
            (State::Degraded, main_bad)
        }
        (main_bad, _) if some(spare) => {
            notes.push(match text {
                Some(text) => text.to_owned(),
                None => format!("only the fallback works: {}", port(spare)),
            });
            (State::Degraded, main_bad)
        }
        (mut main_bad, spare_bad) => {
            let worst = main_bad.iter().map(|record| State::of(record.verdict)).max();
            main_bad.extend(spare_bad);
            (worst.unwrap_or(State::NotChecked), main_bad)
        }
    }
}

/// How a target stands in its row; `None` when it says nothing about the network.
fn stands(record: &Record, siblings: &[&Record]) -> Option<State> {
    if need_not_answer(record) {
        return None;
    }
    if flag(record, "known_to_answer") == Some(false) && record.verdict == Verdict::Inconclusive {
        // A control proved that the network keeps it silent.
        return Some(State::Fail);
    }
    if flag(record, "confirmed") == Some(false) && record.verdict != Verdict::Pass {
        return unconfirmed(record, siblings);
    }
    Some(State::of(record.verdict))
}

/// A host or path that nobody confirmed may not exist: it counts only where the network is shown to be at fault.
fn unconfirmed(record: &Record, siblings: &[&Record]) -> Option<State> {
    let cause = record.cause.as_ref();
    let shown = cause.is_some_and(|cause| {
        cause.confidence >= Confidence::Medium && !matches!(cause.who, Who::Service | Who::Unknown)
    });
    let absent = record
        .failure
        .as_ref()
        .is_some_and(|failure| matches!(failure.code, Code::DnsNxdomain | Code::DnsNoAddress));
    let services = cause.is_some_and(|cause| cause.who == Who::Service);
    if shown {
        return Some(State::of(record.verdict));
    }
    if services && record.verdict == Verdict::Degraded {
        // The service itself answered: the path to it is open.
        return Some(State::Pass);
    }
    let place = Place::of(&record.target);
    let sibling_works = siblings.iter().any(|other| {
        let there = Place::of(&other.target);
        usable(other) && there.scheme == place.scheme && there.port == place.port
    });
    if absent || services || sibling_works { None } else { Some(State::of(record.verdict)) }
}
