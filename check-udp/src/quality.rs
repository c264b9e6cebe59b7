//! How good a path would be for a conversation: what a series of probes says about loss, delay and jitter.

use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;

/// What is added to the measured delay for the jitter buffer, as the E-model of Vonage's network test does.
const BUFFER_MS: f64 = 30.0;

/// The answers to a series of numbered probes, in order of arrival.
#[derive(Clone, Debug, Default)]
pub struct Series {
    sent: u32,
    answers: Vec<(u32, Duration)>,
    known: HashSet<u32>,
    duplicates: u32,
}

impl Series {
    /// One more probe left; its number counts from 0.
    pub fn sent(&mut self) {
        self.sent += 1;
    }

    /// The answer to a probe arrived. A number that was never sent is not an answer.
    pub fn answered(&mut self, number: u32, round_trip: Duration) {
        if number >= self.sent {
            return;
        }
        if self.known.insert(number) {
            self.answers.push((number, round_trip));
        } else {
            self.duplicates += 1;
        }
    }

    /// How many probes were sent.
    pub fn count(&self) -> u32 {
        self.sent
    }

    /// Whether every probe sent so far has its answer.
    pub fn complete(&self) -> bool {
        self.answers.len() == self.sent as usize
    }

    /// The shortest round trip; zero when nothing came back.
    pub fn fastest(&self) -> Duration {
        self.answers.iter().map(|(_, round_trip)| *round_trip).min().unwrap_or_default()
    }

    /// Whether nothing came back.
    pub fn silent(&self) -> bool {
        self.answers.is_empty()
    }

    /// What the series says; `None` when nothing was sent or nothing came back.
    pub fn quality(&self) -> Option<Quality> {
        let mut sorted: Vec<Duration> = self.answers.iter().map(|(_, round_trip)| *round_trip).collect();
        sorted.sort_unstable();
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let received = u32::try_from(sorted.len()).unwrap_or(u32::MAX);
        let loss = 1.0 - f64::from(received) / f64::from(self.sent);
        let median = quantile(&sorted, 50);
        Some(Quality {
            sent: self.sent,
            received,
            loss: rounded(loss, 4),
            min_us: micros(min),
            median_us: micros(median),
            p95_us: micros(quantile(&sorted, 95)),
            max_us: micros(max),
            jitter_us: micros(self.jitter()),
            reordered: self.reordered(),
            duplicates: self.duplicates,
            mos: rounded(mos(loss, median), 2),
        })
    }

    /// The smoothed difference of neighbouring transit times (RFC 3550 section 6.4.1). A round trip stands for the
    /// transit time: the two clocks are one, and what jitters on either way counts.
    fn jitter(&self) -> Duration {
        let differences = self.answers.windows(2).map(|pair| pair[0].1.abs_diff(pair[1].1).as_secs_f64());
        Duration::from_secs_f64(
            differences.fold(0.0, |jitter, difference| jitter + (difference - jitter) / 16.0),
        )
    }

    /// How many answers came after the answer to a later probe.
    fn reordered(&self) -> u32 {
        let mut highest = None;
        let mut late = 0;
        for (number, _) in &self.answers {
            if highest > Some(*number) {
                late += 1;
            } else {
                highest = Some(*number);
            }
        }
        late
    }
}

/// What a series of probes says about the path.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub struct Quality {
    /// Probes sent, one packet each.
    pub sent: u32,
    /// Probes answered.
    pub received: u32,
    /// The share that was lost, 0 to 1.
    pub loss: f64,
    /// Shortest round trip in microseconds.
    pub min_us: u64,
    /// Median round trip.
    pub median_us: u64,
    /// The round trip that 95 % stay within.
    pub p95_us: u64,
    /// Longest round trip.
    pub max_us: u64,
    /// Interarrival jitter (RFC 3550) of the round trips.
    pub jitter_us: u64,
    /// Answers that arrived after the answer to a later probe.
    pub reordered: u32,
    /// Answers that arrived twice.
    #[serde(skip_serializing_if = "is_zero")]
    pub duplicates: u32,
    /// Mean opinion score of a call, 1 to 4.5.
    pub mos: f64,
}

impl Quality {
    /// The figures in a sentence.
    pub fn words(&self) -> String {
        format!(
            "{} of {} probes lost ({:.1} %), median round trip {:.1} ms, jitter {:.1} ms, MOS {:.2}",
            self.sent - self.received,
            self.sent,
            self.loss * 100.0,
            millis(self.median_us),
            millis(self.jitter_us),
            self.mos
        )
    }
}

/// The E-model as Vonage's network test uses it. The delay is the round trip as measured: the way there alone cannot
/// be measured from one end, so a long path is judged a little too strictly rather than too kindly.
fn mos(loss: f64, delay: Duration) -> f64 {
    let delay = delay.as_secs_f64() * 1000.0 + BUFFER_MS;
    let late = if delay > 177.3 { 0.11 * (delay - 177.3) } else { 0.0 };
    let r = 93.2 - (0.024 * delay + late) - 19.8 * (1.0 + 29.7 * loss).ln();
    let r = r.clamp(0.0, 100.0);
    // The formula dips a little below the scale near its foot.
    (1.0 + 0.035 * r + 7e-6 * r * (r - 60.0) * (100.0 - r)).max(1.0)
}

/// The smallest value that `percent` of the sorted values do not exceed (nearest rank).
fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// Whole microseconds.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "microseconds for people")]
fn millis(us: u64) -> f64 {
    us as f64 / 1000.0
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn series(sent: u32, answers: &[(u32, u64)]) -> Series {
        let mut series = Series::default();
        (0..sent).for_each(|_| series.sent());
        answers.iter().for_each(|(number, ms)| series.answered(*number, Duration::from_millis(*ms)));
        series
    }

    #[test]
    fn loss_delay_and_order_are_counted() {
        let quality = series(5, &[(0, 10), (2, 30), (1, 20), (3, 40)]).quality().expect("answers");
        assert_eq!((quality.sent, quality.received, quality.reordered), (5, 4, 1));
        assert!((quality.loss - 0.2).abs() < 1e-9);
        assert_eq!((quality.min_us, quality.median_us, quality.max_us), (10_000, 20_000, 40_000));
        assert_eq!(quality.p95_us, 40_000);
    }

    #[test]
    fn jitter_follows_rfc_3550() {
        // Differences of 16 ms: J = 1, then 1 + 15/16 ms.
        let quality = series(3, &[(0, 10), (1, 26), (2, 10)]).quality().expect("answers");
        assert_eq!(quality.jitter_us, 1_937);
        let steady = series(3, &[(0, 10), (1, 10), (2, 10)]).quality().expect("answers");
        assert_eq!(steady.jitter_us, 0);
    }

    #[test]
    fn the_opinion_score_falls_with_loss_and_with_delay() {
        let clean = mos(0.0, Duration::from_millis(20));
        assert!((clean - 4.38).abs() < 0.01, "{clean}");
        assert!((mos(0.1, Duration::from_millis(20)) - 3.34).abs() < 0.02);
        assert!((mos(0.0, Duration::from_millis(400)) - 2.84).abs() < 0.02);
        assert!((mos(1.0, Duration::from_secs(5)) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_duplicate_is_no_second_answer_and_an_unknown_number_is_none() {
        let mut series = series(2, &[(0, 10), (0, 12), (7, 1)]);
        assert!(!series.complete());
        series.answered(1, Duration::ZERO);
        assert!(series.complete());
        let quality = series.quality().expect("answers");
        assert_eq!((quality.received, quality.duplicates), (2, 1));
    }

    #[test]
    fn silence_has_no_quality() {
        assert!(series(4, &[]).quality().is_none() && series(4, &[]).silent());
    }

    proptest! {
        #[test]
        fn every_series_has_sane_figures(answers in proptest::collection::vec((0u32..50, 0u64..5_000), 1..80)) {
            let quality = series(50, &answers).quality().expect("answers");
            prop_assert!((1.0..=4.5).contains(&quality.mos));
            prop_assert!((0.0..=1.0).contains(&quality.loss));
            prop_assert!(quality.min_us <= quality.median_us && quality.median_us <= quality.p95_us);
            prop_assert!(quality.p95_us <= quality.max_us);
        }
    }
}
