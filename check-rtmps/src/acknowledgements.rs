//! RTMP acknowledgements of a stream: how far the server says it has read, and how long each acknowledgement took.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::facts::RoundTrips;

/// The most acknowledgements whose round trips are kept.
const KEPT: usize = 4096;
/// How far beyond what was sent an acknowledgement may be: some servers count the handshake too.
const SLACK: u64 = 3073;

/// Watches the acknowledgements of one stream.
#[derive(Debug)]
pub struct Acknowledgements {
    /// Every so many bytes the server was asked for an acknowledgement.
    window: u64,
    sent: u64,
    /// Where each frame ended, and when it was handed to the socket: those not acknowledged yet.
    flying: VecDeque<(u64, Instant)>,
    acknowledged: u64,
    last: Option<Instant>,
    trips: Vec<u64>,
}

/// How far the server acknowledges a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Bytes of media that it has read.
    pub media: u64,
    /// When the last acknowledgement came.
    pub at: Instant,
    /// No more than the last window is missing: it has read to the end.
    pub whole: bool,
}

impl Acknowledgements {
    /// A stream that begins after `sent` bytes of commands; acknowledgements were asked for every `window`.
    pub fn new(sent: u64, window: u32) -> Self {
        Acknowledgements {
            window: u64::from(window),
            sent,
            flying: VecDeque::new(),
            acknowledged: 0,
            last: None,
            trips: Vec::new(),
        }
    }

    /// Bytes are handed to the socket.
    pub fn send(&mut self, bytes: usize, now: Instant) {
        self.sent += u64::try_from(bytes).unwrap_or(0);
        if self.flying.len() < KEPT {
            self.flying.push_back((self.sent, now));
        }
    }

    /// The server says that it has received so many bytes in all, modulo 2^32 (RTMP 1.0 section 5.4.3).
    pub fn acknowledge(&mut self, total: u32, now: Instant) {
        let low = u32::try_from(self.acknowledged & 0xffff_ffff).unwrap_or(0);
        let total = self.acknowledged + u64::from(total.wrapping_sub(low));
        if total > self.sent + SLACK {
            return;
        }
        self.acknowledged = total;
        self.last = Some(now);
        let mut newest = None;
        while let Some((end, sent)) = self.flying.front().copied()
            && end <= total
        {
            newest = Some(sent);
            self.flying.pop_front();
        }
        if let Some(sent) = newest
            && self.trips.len() < KEPT
        {
            self.trips.push(u64::try_from(now.duration_since(sent).as_micros()).unwrap_or(u64::MAX));
        }
    }

    /// How much of the last `media` bytes is acknowledged; `None` where the server acknowledges nothing.
    pub fn acknowledged(&self, media: u64) -> Option<Acknowledged> {
        let before = self.sent.saturating_sub(media);
        // Less than a window may be missing from the last acknowledgement; more means that it never came.
        let whole = self.sent.saturating_sub(self.acknowledged) <= self.window + SLACK;
        let arrived = self.acknowledged.saturating_sub(before).min(media);
        self.last.map(|at| Acknowledged { media: arrived, at, whole })
    }

    /// The round trips of acknowledgements, where there were any.
    pub fn round_trips(&self) -> Option<RoundTrips> {
        let mut sorted = self.trips.clone();
        sorted.sort_unstable();
        Some(RoundTrips {
            count: sorted.len(),
            min_us: *sorted.first()?,
            median_us: *sorted.get(sorted.len() / 2)?,
            max_us: *sorted.last()?,
        })
    }
}

/// Whole milliseconds.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use netcheck_common::clock;
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_acknowledged_is_whole_when_less_than_a_window_is_missing() {
        let begun = clock::now();
        let mut meter = Acknowledgements::new(100, 1000);
        meter.send(100_000, begun);
        assert_eq!(meter.acknowledged(100_000), None);
        meter.acknowledge(50_100, begun + SECOND);
        let half = Acknowledged { media: 50_000, at: begun + SECOND, whole: false };
        assert_eq!(meter.acknowledged(100_000), Some(half));
        meter.acknowledge(100_000, begun + SECOND * 2);
        let all = Acknowledged { media: 99_900, at: begun + SECOND * 2, whole: true };
        assert_eq!(meter.acknowledged(100_000), Some(all));
    }

    #[test]
    fn a_round_trip_is_that_of_the_newest_frame_acknowledged() {
        let begun = clock::now();
        let mut meter = Acknowledgements::new(0, 1000);
        meter.send(10, begun);
        meter.send(10, begun + SECOND);
        meter.send(10, begun + SECOND * 2);
        meter.acknowledge(25, begun + SECOND + Duration::from_millis(3));
        let trips = meter.round_trips().unwrap();
        assert_eq!(trips, RoundTrips { count: 1, min_us: 3000, median_us: 3000, max_us: 3000 });
    }

    #[test]
    fn acknowledgements_may_wrap_and_may_not_lead() {
        let begun = clock::now();
        let mut meter = Acknowledgements::new(u64::from(u32::MAX) - 5, 1000);
        meter.acknowledge(u32::MAX - 5, begun);
        meter.send(100, begun);
        meter.acknowledge(20, begun);
        assert_eq!(meter.acknowledged, u64::from(u32::MAX) + 21);
        meter.acknowledge(1_000_000, begun);
        assert_eq!(meter.acknowledged, u64::from(u32::MAX) + 21);
    }

    proptest! {
        #[test]
        fn no_acknowledgement_panics_or_exceeds_what_was_sent(totals in prop::collection::vec(any::<u32>(), 0..200)) {
            let now = clock::now();
            let mut meter = Acknowledgements::new(0, 1000);
            for total in totals {
                meter.send(1000, now);
                meter.acknowledge(total, now);
                prop_assert!(meter.acknowledged <= meter.sent + SLACK);
            }
        }
    }
}
