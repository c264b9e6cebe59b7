//! Where all lanes take their targets from: one input, one numbering, one pace.

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::sync::{Mutex, watch};

use super::input::{Input, Item};
use netcheck_net::clock;

/// How many targets a lane takes at once, at the most.
const BATCH_LINES: usize = 64;
/// How far, under `--ordered`, the targets may be ahead of the record whose turn it is.
const WINDOW: u64 = 4096;
/// How much a target may be late without moving those behind it.
const LATE: Duration = Duration::from_millis(20);

/// The input of a run, shared.
pub(super) struct Source(Mutex<Queue>);

struct Queue {
    input: Input,
    /// What the input gave, and the pace has not yet.
    due: Option<Item>,
    number: u64,
    open: bool,
    pace: Pace,
    /// The number of the record whose turn it is, where records are written in order.
    turn: Option<watch::Receiver<u64>>,
}

impl Source {
    /// The targets of an input, `rate` of them a second.
    pub(super) fn new(input: Input, rate: Option<f64>, turn: Option<watch::Receiver<u64>>) -> Self {
        Source(Mutex::new(Queue { input, due: None, number: 0, open: true, pace: Pace::new(rate), turn }))
    }

    /// Whether the input could not be read to its end. For when nobody takes from it any more.
    pub(super) fn is_broken(&self) -> bool {
        self.0.try_lock().is_ok_and(|queue| queue.input.broken)
    }

    /// What comes next, with its number, no more than `most`: what is there already goes with the first. Empty at the
    /// end. Safe to be dropped while it waits.
    pub(super) async fn take(&self, most: usize) -> Vec<(u64, Item)> {
        let mut queue = self.0.lock().await;
        let mut taken: Vec<_> = queue.next().await.into_iter().collect();
        while !taken.is_empty()
            && taken.len() < most.min(BATCH_LINES)
            && let Some(Some(item)) = queue.next().now_or_never()
        {
            taken.push(item);
        }
        taken
    }
}

impl Queue {
    async fn next(&mut self) -> Option<(u64, Item)> {
        if let Some(turn) = &mut self.turn {
            // A writer that has ended says so elsewhere.
            let _ = turn.wait_for(|turn| self.number < turn + WINDOW).await;
        }
        if self.open && self.due.is_none() {
            self.due = self.input.next().await;
            self.open = self.due.is_some();
        }
        // Only for what there is: nothing is waited for after the last target.
        if self.due.is_some() {
            self.pace.wait().await;
        }
        let item = self.due.take()?;
        self.pace.taken(clock::now());
        let number = self.number;
        self.number += 1;
        Some((number, item))
    }
}

/// `--rate`: new targets a second, by a timetable that a late target does not move.
struct Pace {
    gap: Option<Duration>,
    next: Instant,
}

impl Pace {
    fn new(rate: Option<f64>) -> Self {
        Pace { gap: rate.map(|rate| Duration::from_secs_f64(1.0 / rate)), next: clock::now() }
    }

    async fn wait(&self) {
        let left = || self.next.saturating_duration_since(clock::now());
        if self.gap.is_some() && !left().is_zero() {
            clock::pause(left()).await;
        }
    }

    fn taken(&mut self, now: Instant) {
        if let Some(gap) = self.gap {
            // What a timer oversleeps is made up for; a pause in the input earns no burst afterwards.
            self.next = self.next.max(now.checked_sub(LATE).unwrap_or(now)) + gap;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// When each of so many targets begins, each by a timer that is late by so much.
    fn begun(pace: &mut Pace, from: Instant, count: u32, late: Duration) -> Vec<Duration> {
        let mut now = from;
        let mut one = || {
            now = if pace.next > now { pace.next + late } else { now };
            pace.taken(now);
            now - from
        };
        (0..count).map(|_| one()).collect()
    }

    #[test]
    fn late_timers_do_not_slow_a_run_down() {
        let mut pace = Pace::new(Some(1000.0));
        let from = pace.next;
        let begun = begun(&mut pace, from, 1001, MS * 13 / 10);
        assert!((MS * 1000..MS * 1020).contains(&begun[1000]), "{begun:?}");
        assert!(begun.windows(100).all(|part| part[99] - part[0] >= MS * 78), "{begun:?}");
    }

    #[test]
    fn a_pause_in_the_input_earns_no_burst() {
        for (rate, at_once) in [(5.0, 1), (1000.0, 21)] {
            let mut pace = Pace::new(Some(rate));
            let after = pace.next + MS * 60_000;
            let begun = begun(&mut pace, after, 100, Duration::ZERO);
            assert_eq!(begun.iter().filter(|since| since.is_zero()).count(), at_once, "{rate}");
        }
    }
}
