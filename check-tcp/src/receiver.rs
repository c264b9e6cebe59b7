//! What holds back what is received, as far as the kernel shows it.

use std::time::{Duration, Instant};

use netcheck_common::clock;
use netcheck_common::rung::Limit;
use netcheck_common::tcp_counters::{TcpCounters, TcpHandle};

/// Samples come no faster than that.
const SPACING: Duration = Duration::from_millis(20);
/// How many samples tell something.
const ENOUGH: u32 = 20;
/// How many round trips are kept.
const KEPT: usize = 4096;
/// A queue on the path holds packets at least that long.
const QUEUE: Duration = Duration::from_millis(3);
/// A thin line brings what is sent in one piece this far apart: a longer silence is a pause of the sender.
const PAUSE: Duration = Duration::from_millis(200);
/// A server that sends nothing in this share of the time is what limits.
const IDLE: f64 = 0.3;

/// The samples of all transfers.
#[derive(Debug, Default)]
pub struct Receiver {
    last: Option<Instant>,
    first: TcpCounters,
    samples: u32,
    idle: u32,
    lost: bool,
    round_trips: Vec<Duration>,
    shortest: Option<Duration>,
}

impl Receiver {
    /// A body begins to come.
    pub fn begin(&mut self, tcp: Option<&TcpHandle>) {
        self.first = tcp.and_then(TcpHandle::counters).unwrap_or_default();
        self.last = Some(clock::now());
    }

    /// Asks the kernel, unless it was asked just now.
    pub fn sample(&mut self, tcp: Option<&TcpHandle>) {
        if self.last.is_some_and(|last| last.elapsed() < SPACING) {
            return;
        }
        self.last = Some(clock::now());
        let Some(counters) = tcp.and_then(TcpHandle::counters) else { return };
        self.note(&counters);
    }

    fn note(&mut self, counters: &TcpCounters) {
        self.samples = self.samples.saturating_add(1);
        let pause = counters.min_round_trip * 4 + PAUSE;
        self.idle += u32::from(counters.quiet > pause);
        self.lost |= counters.out_of_order > self.first.out_of_order;
        self.shortest =
            Some(self.shortest.map_or(counters.min_round_trip, |known| known.min(counters.min_round_trip)));
        if !counters.receive_round_trip.is_zero() && self.round_trips.len() < KEPT {
            self.round_trips.push(counters.receive_round_trip);
        }
    }

    /// Whether packets were lost or came out of order.
    pub fn has_loss(&self) -> bool {
        self.lost
    }

    /// What held the transfers back; none where nothing shows it.
    pub fn limit(&self) -> Option<Limit> {
        if self.samples < ENOUGH {
            return None;
        }
        if f64::from(self.idle) > f64::from(self.samples) * IDLE {
            // A sender that waits for a lost packet is silent too.
            return (!self.lost).then_some(Limit::Sender);
        }
        let mut sorted = self.round_trips.clone();
        sorted.sort_unstable();
        let median = sorted.get(sorted.len() / 2)?;
        let shortest = self.shortest?;
        (self.lost || *median >= shortest * 2 && *median >= shortest + QUEUE).then_some(Limit::Path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(round_trip_ms: u64, quiet_ms: u64, out_of_order: u64) -> Option<Limit> {
        let mut receiver = Receiver::default();
        for _ in 0..ENOUGH {
            receiver.note(&TcpCounters {
                min_round_trip: Duration::from_millis(10),
                receive_round_trip: Duration::from_millis(round_trip_ms),
                quiet: Duration::from_millis(quiet_ms),
                out_of_order,
                ..TcpCounters::default()
            });
        }
        receiver.limit()
    }

    #[test]
    fn a_queue_or_loss_is_the_path_and_pauses_without_loss_are_the_sender() {
        assert_eq!(limit(90, 0, 0), Some(Limit::Path));
        assert_eq!(limit(11, 0, 3), Some(Limit::Path));
        assert_eq!(limit(900, 400, 0), Some(Limit::Sender));
        assert_eq!(limit(90, 100, 0), Some(Limit::Path), "a thin line has gaps");
        assert_eq!(limit(11, 0, 0), None, "neither shows");
        assert_eq!(limit(11, 400, 1), None, "a sender that waits for a lost packet is silent too");
        assert_eq!(Receiver::default().limit(), None);
    }
}
