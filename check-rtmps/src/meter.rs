//! How much of a stream arrived, and when: computed from what was sent, waited for and acknowledged.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::facts::{Publication, RoundTrips};

/// A write that waits this long is a stall.
const STALL: Duration = Duration::from_millis(500);
/// The most acknowledgements whose round trips are kept.
const KEPT: usize = 4096;
/// How far beyond what was sent an acknowledgement may be: some servers count the handshake too.
const SLACK: u64 = 3073;

/// What says how much arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    Answer,
    Acknowledgements,
    Socket,
}

/// A stream that has been sent.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// How many bytes of media were sent.
    pub media: u64,
    /// How long they were to take.
    pub planned: Duration,
    /// When the socket had taken them.
    pub ended: Instant,
    /// When the server answered what was sent after them, less the round trip of such an answer.
    pub answered: Option<Instant>,
}

/// Watches one stream.
#[derive(Debug)]
pub struct Meter {
    begun: Instant,
    /// Every so many bytes the server was asked for an acknowledgement.
    window: u64,
    sent: u64,
    /// Where each frame ended, and when it was handed to the socket: those not acknowledged yet.
    flying: VecDeque<(u64, Instant)>,
    acknowledged: u64,
    last_acknowledged: Option<Instant>,
    trips: Vec<u64>,
    waits: u32,
    waited: Duration,
    longest: Duration,
    stalls: u32,
}

impl Meter {
    /// A stream that begins now, after `sent` bytes of commands; acknowledgements were asked for every `window`.
    pub fn new(now: Instant, sent: u64, window: u32) -> Self {
        Meter {
            begun: now,
            window: u64::from(window),
            sent,
            flying: VecDeque::new(),
            acknowledged: 0,
            last_acknowledged: None,
            trips: Vec::new(),
            waits: 0,
            waited: Duration::ZERO,
            longest: Duration::ZERO,
            stalls: 0,
        }
    }

    /// Bytes are handed to the socket.
    pub fn send(&mut self, bytes: usize, now: Instant) {
        self.sent += u64::try_from(bytes).unwrap_or(0);
        if self.flying.len() < KEPT {
            self.flying.push_back((self.sent, now));
        }
    }

    /// The socket had no room for so long.
    pub fn wait(&mut self, waited: Duration) {
        self.waits += 1;
        self.waited += waited;
        self.longest = self.longest.max(waited);
        self.stalls += u32::from(waited >= STALL);
    }

    /// The server says that it has received so many bytes in all, modulo 2^32 (RTMP 1.0 section 5.4.3).
    pub fn acknowledge(&mut self, total: u32, now: Instant) {
        let low = u32::try_from(self.acknowledged & 0xffff_ffff).unwrap_or(0);
        let total = self.acknowledged + u64::from(total.wrapping_sub(low));
        if total > self.sent + SLACK {
            return;
        }
        self.acknowledged = total;
        self.last_acknowledged = Some(now);
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

    /// What came of it, as it stands `now`.
    pub fn publication(&self, stream: &Stream, now: Instant) -> Publication {
        let Stream { media, planned, ended, answered } = *stream;
        let since = |until: Instant| until.saturating_duration_since(self.begun);
        let (proof, arrived, lasted) = match (answered, self.last_acknowledged) {
            (Some(answered), _) => (Proof::Answer, media, since(answered).max(planned)),
            (None, Some(last)) => {
                let before = self.sent.saturating_sub(media);
                let arrived = self.acknowledged.saturating_sub(before).min(media);
                // Less than a window may be missing from the last acknowledgement; more means that it never came.
                let silent = self.sent.saturating_sub(self.acknowledged) > self.window + SLACK;
                (Proof::Acknowledgements, arrived, if silent { since(now).max(planned) } else { since(last) })
            }
            (None, None) => (Proof::Socket, media, since(ended).max(planned)),
        };
        Publication {
            seconds: round(lasted.as_secs_f64()),
            bitrate_kbps: 0,
            throughput_kbps: round(kilobits(arrived) / lasted.as_secs_f64().max(0.001)),
            measured_by: match proof {
                Proof::Answer => "answer",
                Proof::Acknowledgements => "acknowledgements",
                Proof::Socket => "socket",
            },
            bytes: media,
            pictures: 0,
            stalls: self.stalls,
            longest_wait_ms: milliseconds(self.longest),
            send_waits: self.waits,
            send_wait_ms: milliseconds(self.waited),
            acknowledgements: self.round_trips(),
        }
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

#[expect(clippy::cast_precision_loss, reason = "2^52 bits are more than any run sends")]
fn kilobits(bytes: u64) -> f64 {
    bytes as f64 * 8.0 / 1000.0
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use netcheck_common::clock;
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn stream(media: u64, ended: Instant, answered: Option<Instant>) -> Stream {
        Stream { media, planned: SECOND, ended, answered }
    }

    #[test]
    fn an_answer_after_the_last_frame_gives_the_throughput() {
        let begun = clock::now();
        let meter = Meter::new(begun, 100, 1000);
        let on_time = meter.publication(&stream(125_000, begun, Some(begun + SECOND / 2)), begun);
        assert_eq!((on_time.throughput_kbps, on_time.measured_by), (1000.0, "answer"));
        let late = meter.publication(&stream(125_000, begun, Some(begun + SECOND * 4)), begun);
        assert_eq!((late.throughput_kbps, late.seconds), (250.0, 4.0));
    }

    #[test]
    fn without_an_answer_acknowledgements_count_and_then_the_socket() {
        let begun = clock::now();
        let mut meter = Meter::new(begun, 100, 1000);
        meter.send(100_000, begun);
        let sent = stream(100_000, begun + SECOND, None);
        let blind = meter.publication(&sent, begun + SECOND * 6);
        assert_eq!((blind.throughput_kbps, blind.measured_by), (800.0, "socket"));
        meter.acknowledge(50_100, begun + SECOND);
        let seen = meter.publication(&sent, begun + SECOND * 2);
        assert_eq!((seen.throughput_kbps, seen.measured_by), (200.0, "acknowledgements"));
        meter.acknowledge(100_000, begun + SECOND);
        let whole = meter.publication(&sent, begun + SECOND * 2);
        assert_eq!((whole.throughput_kbps, whole.measured_by), (799.2, "acknowledgements"));
    }

    #[test]
    fn a_round_trip_is_that_of_the_newest_frame_acknowledged() {
        let begun = clock::now();
        let mut meter = Meter::new(begun, 0, 1000);
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
        let mut meter = Meter::new(begun, u64::from(u32::MAX) - 5, 1000);
        meter.acknowledge(u32::MAX - 5, begun);
        meter.send(100, begun);
        meter.acknowledge(20, begun);
        assert_eq!(meter.acknowledged, u64::from(u32::MAX) + 21);
        meter.acknowledge(1_000_000, begun);
        assert_eq!(meter.acknowledged, u64::from(u32::MAX) + 21);
    }

    #[test]
    fn a_long_wait_is_a_stall() {
        let mut meter = Meter::new(clock::now(), 0, 1000);
        meter.wait(Duration::from_millis(20));
        meter.wait(Duration::from_millis(700));
        let now = clock::now();
        let seen = meter.publication(&stream(0, now, None), now);
        assert_eq!((seen.send_waits, seen.send_wait_ms, seen.stalls, seen.longest_wait_ms), (2, 720, 1, 700));
    }

    proptest! {
        #[test]
        fn no_acknowledgement_panics_or_exceeds_what_was_sent(totals in prop::collection::vec(any::<u32>(), 0..200)) {
            let now = clock::now();
            let mut meter = Meter::new(now, 0, 1000);
            for total in totals {
                meter.send(1000, now);
                meter.acknowledge(total, now);
                prop_assert!(meter.acknowledged <= meter.sent + SLACK);
            }
        }
    }
}
