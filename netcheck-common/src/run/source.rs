//! Where all lanes take their targets from: one input, one numbering, one pace.

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::sync::{Mutex, watch};

use super::input::{Input, Item};
use crate::clock;

/// How many targets a lane takes at once, at the most.
const BATCH: usize = 64;
/// How far, under `--ordered`, the targets may be ahead of the record whose turn it is.
const WINDOW: u64 = 4096;

/// The input of a run, shared.
pub(super) struct Source(Mutex<Queue>);

struct Queue {
    input: Input,
    number: u64,
    open: bool,
    pace: Pace,
    /// The number of the record whose turn it is, where records are written in order.
    turn: Option<watch::Receiver<u64>>,
}

impl Source {
    /// The targets of an input, `rate` of them a second.
    pub(super) fn new(input: Input, rate: Option<f64>, turn: Option<watch::Receiver<u64>>) -> Self {
        Source(Mutex::new(Queue { input, number: 0, open: true, pace: Pace::new(rate), turn }))
    }

    /// What comes next, with its number, no more than `most`: what is there already goes with the first. Empty at the
    /// end. Safe to be dropped while it waits.
    pub(super) async fn take(&self, most: usize) -> Vec<(u64, Item)> {
        let mut queue = self.0.lock().await;
        let mut taken: Vec<_> = queue.next().await.into_iter().collect();
        while !taken.is_empty()
            && taken.len() < most.min(BATCH)
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
        if !self.open {
            return None;
        }
        self.pace.wait().await;
        let Some(item) = self.input.next().await else {
            self.open = false;
            return None;
        };
        self.pace.taken();
        let number = self.number;
        self.number += 1;
        Some((number, item))
    }
}

/// `--rate`: new targets a second.
struct Pace {
    gap: Option<Duration>,
    next: Instant,
}

impl Pace {
    fn new(rate: Option<f64>) -> Self {
        Pace { gap: rate.map(|rate| Duration::from_secs_f64(1.0 / rate)), next: clock::now() }
    }

    async fn wait(&self) {
        if self.gap.is_some() {
            clock::pause(self.next.saturating_duration_since(clock::now())).await;
        }
    }

    fn taken(&mut self) {
        if let Some(gap) = self.gap {
            // A pause in the input earns no burst afterwards.
            self.next = self.next.max(clock::now()) + gap;
        }
    }
}
