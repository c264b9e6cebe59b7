//! The board: the last status of every cell, followed as the broker stores it, whichever hub took it.

use std::collections::BTreeMap;

use netcheck_record::clock;
use serde::Serialize;

use super::store::{CellStatus, RUN, RunStatus, Told};
use crate::office::Office;

/// An office is late when nothing came for one and a half intervals, and silent after three, in milliseconds.
const GRACE: i64 = 60_000;

/// Whether an office reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Presence {
    /// Its last run is as recent as the plan wants.
    Reporting,
    /// One run is missing.
    Late,
    /// More are: what it said last says nothing of now.
    Silent,
}

/// What is known of an office.
#[derive(Clone, Debug, Default)]
pub(super) struct OfficeState {
    /// The last status of each requirement.
    pub(super) cells: BTreeMap<String, CellStatus>,
    /// The last run.
    pub(super) run: Option<RunStatus>,
    /// When the broker took the last run, in milliseconds since 1970.
    pub(super) at: i64,
}

impl OfficeState {
    /// Whether it reports at this time.
    pub(super) fn presence(&self, now: i64) -> Presence {
        let seconds = self.run.as_ref().map_or(900, |run| run.interval);
        let interval = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX / 4);
        let age = now.saturating_sub(self.at);
        if age > interval.saturating_mul(3).saturating_add(GRACE) {
            Presence::Silent
        } else if age > interval.saturating_mul(3) / 2 + GRACE {
            Presence::Late
        } else {
            Presence::Reporting
        }
    }

    /// The cells of the last run: what an older plan named is not shown.
    pub(super) fn current(&self) -> impl Iterator<Item = &CellStatus> {
        let named = |cell: &&CellStatus| {
            self.run.as_ref().is_none_or(|run| run.requirements.contains(&cell.requirement))
        };
        self.cells.values().filter(named)
    }
}

/// All offices.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// By their names.
    pub(super) offices: BTreeMap<Office, OfficeState>,
}

impl Board {
    /// Takes what the broker stored. Whether anything is new.
    pub(super) fn take(&mut self, told: &Told) -> bool {
        let state = self.offices.entry(told.office.clone()).or_default();
        if told.about == RUN {
            let Ok(run) = serde_json::from_slice::<RunStatus>(&told.payload) else { return false };
            // A run that waited for days comes after newer ones: it fills the history, not the board.
            state.at = state.at.max(told.at);
            if state.run.as_ref().is_none_or(|known| known.finished <= run.finished) {
                state.run = Some(run);
            }
            return true;
        }
        let Ok(cell) = serde_json::from_slice::<CellStatus>(&told.payload) else { return false };
        if state.cells.get(&told.about).is_none_or(|known| known.finished <= cell.finished) {
            state.cells.insert(told.about.clone(), cell);
        }
        true
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> i64 {
    i64::try_from(clock::since_epoch().as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, finished: &str) -> RunStatus {
        RunStatus {
            run: id.to_owned(),
            sequence: 1,
            headline: String::new(),
            finished: finished.to_owned(),
            plan: 1,
            interval: 900,
            requirements: vec!["streaming".to_owned()],
            findings: Vec::new(),
            requests: Vec::new(),
        }
    }

    fn told(about: &str, at: i64, value: &impl Serialize) -> Told {
        let office = Office::new("acme", "zurich").unwrap();
        Told { office, about: about.to_owned(), at, payload: serde_json::to_vec(value).unwrap(), pending: 0 }
    }

    #[test]
    fn an_office_that_says_nothing_becomes_late_then_silent_and_reports_again() {
        let mut board = Board::default();
        board.take(&told(RUN, 0, &run("zurich-1", "2026-11-30T10:00:00.000Z")));
        let state = |board: &Board, now| board.offices.values().next().unwrap().presence(now);
        let minute = 60_000;
        assert_eq!(state(&board, 23 * minute), Presence::Reporting);
        assert_eq!(state(&board, 24 * minute), Presence::Late);
        assert_eq!(state(&board, 47 * minute), Presence::Silent);
        board.take(&told(RUN, 47 * minute, &run("zurich-2", "2026-11-30T10:47:00.000Z")));
        assert_eq!(state(&board, 47 * minute), Presence::Reporting);
    }

    #[test]
    fn a_run_that_waited_for_days_does_not_replace_a_newer_one() {
        let mut board = Board::default();
        board.take(&told(RUN, 5, &run("zurich-2", "2026-11-30T10:00:00.000Z")));
        board.take(&told(RUN, 6, &run("zurich-1", "2026-11-27T10:00:00.000Z")));
        board.take(&told(RUN, 7, &"noise"));
        let state = board.offices.values().next().unwrap();
        assert_eq!((state.run.as_ref().unwrap().run.as_str(), state.at), ("zurich-2", 6));
    }
}
