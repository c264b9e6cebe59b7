//! The delivery of a stream over time: its slowest two seconds, and the pauses in it. Numbers in, numbers out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The bitrate has to be delivered in every window of this length.
const WINDOW: Duration = Duration::from_secs(2);
/// A longer pause in delivery is reported.
const PAUSE: Duration = Duration::from_secs(1);
/// The start of a stream that is not measured: TCP begins slowly.
const START: Duration = Duration::from_secs(1);
/// How much of the bitrate has to be delivered.
pub const ENOUGH: f64 = 0.95;
/// As much as this time's media may be under way on a healthy path.
const UNDER_WAY: f64 = 0.25;

/// What was handed over and what was delivered at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    delivered: u64,
}

/// The delivery of one stream.
#[derive(Debug)]
pub struct Track {
    bitrate_kbps: u32,
    window: Duration,
    /// When the first window may begin, and when the last one ends.
    measured: (Instant, Instant),
    samples: VecDeque<Sample>,
    delivered: u64,
    /// Since when bytes have waited without progress; `None` while none waits.
    waiting: Option<Instant>,
    counted: bool,
    /// Pauses longer than a second.
    pub pauses: u32,
    /// The longest time in which bytes waited and none was delivered.
    pub longest_pause: Duration,
    /// The rate of the slowest window, in kbit/s.
    pub slowest_kbps: Option<f64>,
    /// A window stayed under the bitrate while media waited.
    pub short: bool,
}

impl Track {
    /// A stream that begins now and is to last `span`.
    pub fn new(begun: Instant, span: Duration, bitrate_kbps: u32) -> Track {
        Track {
            bitrate_kbps,
            window: WINDOW.min(span / 2),
            measured: (begun + START.min(span / 4), begun + span),
            samples: VecDeque::new(),
            delivered: 0,
            waiting: None,
            counted: false,
            pauses: 0,
            longest_pause: Duration::ZERO,
            slowest_kbps: None,
            short: false,
        }
    }

    /// Notes how many bytes of media were handed over and how many were delivered until `now`.
    pub fn note(&mut self, now: Instant, handed: u64, delivered: u64) {
        self.note_pause(now, handed, delivered);
        self.delivered = self.delivered.max(delivered);
        if now >= self.measured.0 && now <= self.measured.1 {
            self.samples.push_back(Sample { at: now, delivered });
            self.note_window(now, handed, delivered);
        }
    }

    fn note_pause(&mut self, now: Instant, handed: u64, delivered: u64) {
        if let Some(since) = self.waiting {
            let pause = now.saturating_duration_since(since);
            self.longest_pause = self.longest_pause.max(pause);
            if pause > PAUSE && !self.counted {
                self.counted = true;
                self.pauses += 1;
            }
        }
        if delivered >= handed {
            self.waiting = None;
        } else if delivered > self.delivered || self.waiting.is_none() {
            self.waiting = Some(now);
            self.counted = false;
        }
    }

    fn note_window(&mut self, now: Instant, handed: u64, delivered: u64) {
        let old = |sample: &Sample| now.duration_since(sample.at) >= self.window;
        // The youngest sample that is old enough begins the window.
        while self.samples.get(1).is_some_and(old) {
            self.samples.pop_front();
        }
        let Some(first) = self.samples.front().copied().filter(|first| old(first)) else { return };
        let seconds = now.duration_since(first.at).as_secs_f64();
        let rate = kilobits(delivered.saturating_sub(first.delivered)) / seconds;
        let bitrate = f64::from(self.bitrate_kbps);
        self.slowest_kbps = Some(self.slowest_kbps.map_or(rate, |slowest| slowest.min(rate)));
        // Where nothing waits, it was this machine that sent too little.
        let waits = kilobits(handed.saturating_sub(delivered)) > bitrate * UNDER_WAY;
        self.short |= rate < bitrate * ENOUGH && waits;
    }
}

/// Bytes as kbit.
#[expect(clippy::cast_precision_loss, reason = "2^52 bytes are more than any run sends")]
pub fn kilobits(bytes: u64) -> f64 {
    bytes as f64 * 8.0 / 1000.0
}

#[cfg(test)]
mod tests {
    use netcheck_common::clock;
    use proptest::prelude::*;

    use super::*;

    /// A stream of 800 kbit/s (100 bytes a millisecond) for ten seconds, sampled every 40 ms; `delivered` gives how many
    /// bytes have arrived at a millisecond.
    fn track(delivered: impl Fn(u64) -> u64) -> Track {
        let begun = clock::now();
        let mut track = Track::new(begun, Duration::from_secs(10), 800);
        for at in (0..=10_000u64).step_by(40) {
            let handed = 100 * at;
            track.note(begun + Duration::from_millis(at), handed, delivered(at).min(handed));
        }
        track
    }

    #[test]
    fn a_stream_on_a_long_path_is_neither_short_nor_paused() {
        let track = track(|at| 100 * at.saturating_sub(400));
        assert!(!track.short && track.pauses == 0, "{track:?}");
        assert!(track.slowest_kbps.unwrap() > 790.0);
    }

    #[test]
    fn half_of_the_bitrate_is_short() {
        let track = track(|at| 50 * at);
        assert!(track.short);
        assert!((track.slowest_kbps.unwrap() - 400.0).abs() < 10.0, "{track:?}");
        assert_eq!(track.pauses, 0, "it is slow, and flows");
    }

    #[test]
    fn a_pause_is_counted_once_with_its_length() {
        let track = track(|at| if (4000..7000).contains(&at) { 400_000 } else { 100 * at });
        assert_eq!(track.pauses, 1);
        assert!((2900..=3100).contains(&track.longest_pause.as_millis()), "{track:?}");
        assert!(track.short, "two seconds without a byte are under any bitrate");
    }

    #[test]
    fn a_machine_that_sends_nothing_for_a_while_makes_no_pause() {
        let begun = clock::now();
        let mut track = Track::new(begun, Duration::from_secs(10), 800);
        for at in (0..=10_000u64).step_by(40) {
            let handed = if (3000..6000).contains(&at) { 300_000 } else { 100 * at };
            track.note(begun + Duration::from_millis(at), handed, handed);
        }
        assert!(!track.short && track.pauses == 0 && track.longest_pause.is_zero(), "{track:?}");
    }

    proptest! {
        #[test]
        fn no_figures_panic(samples in prop::collection::vec((0u64..20_000, any::<u64>(), any::<u64>()), 0..200)) {
            let begun = clock::now();
            let mut track = Track::new(begun, Duration::from_secs(5), 100);
            for (at, handed, delivered) in samples {
                track.note(begun + Duration::from_millis(at), handed, delivered);
            }
            prop_assert!(track.pauses <= 200);
        }
    }
}
