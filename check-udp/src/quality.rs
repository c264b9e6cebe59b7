//! How good a path would be for a conversation: what a series of probes says about loss, delay and jitter.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use netcheck_common::cause::{Cause, Reason, Who};
use netcheck_common::failure::{Code, Failure};
use netcheck_common::fix::{Destination, Fix};
use netcheck_common::target::Target;
use netcheck_common::udp::Arrival;
use schemars::JsonSchema;
use serde::Serialize;

use crate::mos::{Path, mos};

/// More than this share of lost probes is reported.
const LOSS: f64 = 0.01;
/// A single lost probe of a short series says nothing about the path.
const LOST: u32 = 2;

/// What a series has to reach.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// The lowest mean opinion score.
    pub min_mos: f64,
    /// The highest 95th percentile of the jitter.
    pub max_jitter: Duration,
}

/// The answers to a series of numbered probes, in order of arrival.
#[derive(Clone, Debug, Default)]
pub struct ProbeLog {
    sent: u32,
    answers: Vec<(u32, Duration)>,
    known: HashMap<u32, Duration>,
    duplicates: u32,
    /// An answer's time of arrival is that at which it was read.
    timed_by_program: bool,
    /// The DSCP of the probes, where they are marked, and those of the answers.
    dscp: Option<u8>,
    received_dscp: BTreeSet<u8>,
    interrupted: bool,
}

impl ProbeLog {
    /// A series whose packets are marked with that DSCP, where there is one.
    pub fn marked(dscp: Option<u8>) -> ProbeLog {
        ProbeLog { dscp, ..ProbeLog::default() }
    }

    /// One more probe left; its number counts from 0.
    pub fn sent(&mut self) {
        self.sent += 1;
    }

    /// The answer to a probe that was sent at `sent` arrived.
    pub fn arrived(&mut self, number: u32, sent: Instant, arrival: Arrival) {
        let by_program = self.timed_by_program || !arrival.by_system;
        self.answered(number, arrival.since(sent));
        self.timed_by_program = by_program;
        if number < self.sent {
            self.received_dscp.extend(arrival.dscp);
        }
    }

    /// The last probe did not leave after all.
    pub fn take_back(&mut self) {
        self.sent = self.sent.saturating_sub(1);
    }

    /// Whether a signal ended the series early.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// A signal ended the series early.
    pub fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// The same, by the clock of this program. A number that was never sent is not an answer.
    pub fn answered(&mut self, number: u32, round_trip: Duration) {
        self.timed_by_program = true;
        if number >= self.sent {
            return;
        }
        if self.known.insert(number, round_trip).is_none() {
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
        let round_trips = sorted(self.answers.iter().map(|(_, round_trip)| *round_trip));
        let (min, max) = (*round_trips.first()?, *round_trips.last()?);
        let received = u32::try_from(round_trips.len()).unwrap_or(u32::MAX);
        let loss = 1.0 - f64::from(received) / f64::from(self.sent);
        let median = quantile(&round_trips, 50);
        let jitter = sorted(self.differences());
        let burst_ratio = self.burst_ratio(loss);
        let path = Path { round_trip: median, jitter: quantile(&jitter, 95), loss, burst_ratio };
        Some(Quality {
            sent: self.sent,
            received,
            loss: rounded(loss, 4),
            burst_ratio: (received < self.sent).then(|| rounded(burst_ratio, 2)),
            min_us: micros(min),
            median_us: micros(median),
            p95_us: micros(quantile(&round_trips, 95)),
            p99_us: micros(quantile(&round_trips, 99)),
            max_us: micros(max),
            jitter_us: micros(mean(&jitter)),
            jitter_p50_us: micros(quantile(&jitter, 50)),
            jitter_p95_us: micros(quantile(&jitter, 95)),
            jitter_p99_us: micros(quantile(&jitter, 99)),
            interarrival_jitter_us: micros(self.interarrival_jitter()),
            reordered: self.reordered(),
            duplicates: self.duplicates,
            mos: rounded(mos(path), 2),
            timed_by: Some(if self.timed_by_program { "program" } else { "kernel" }),
            dscp: self.dscp,
            dscp_received: self
                .dscp
                .map(|_| self.received_dscp.iter().copied().collect())
                .unwrap_or_default(),
            interrupted: self.interrupted,
        })
    }

    /// How much the round trips of neighbouring probes differ, in order of sending. A round trip counts as transit
    /// time: one clock measures both ends, and what jitters on either way counts.
    fn differences(&self) -> impl Iterator<Item = Duration> {
        (1..self.sent).filter_map(|number| {
            let (before, this) = (self.known.get(&(number - 1))?, self.known.get(&number)?);
            Some(before.abs_diff(*this))
        })
    }

    /// The interarrival jitter of RFC 3550 (section 6.4.1) at the end of the series: the last 16 answers weigh most.
    fn interarrival_jitter(&self) -> Duration {
        let differences = self.answers.windows(2).map(|pair| pair[0].1.abs_diff(pair[1].1).as_secs_f64());
        Duration::from_secs_f64(
            differences.fold(0.0, |jitter, difference| jitter + (difference - jitter) / 16.0),
        )
    }

    /// The mean length of a run of lost probes, by the length that random loss of this share would make (ITU-T G.107
    /// section 3.5): 1 for random loss, more where losses come together.
    fn burst_ratio(&self, loss: f64) -> f64 {
        let lost = |number: &u32| !self.known.contains_key(number);
        let runs = (0..self.sent).filter(|number| lost(number) && (*number == 0 || !lost(&(number - 1))));
        let runs = u32::try_from(runs.count()).unwrap_or(u32::MAX);
        let all = (0..self.sent).filter(lost).count();
        let all = u32::try_from(all).unwrap_or(u32::MAX);
        if runs == 0 { 1.0 } else { (f64::from(all) / f64::from(runs) * (1.0 - loss)).max(1.0) }
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
#[derive(Clone, Debug, Serialize, JsonSchema, PartialEq)]
pub struct Quality {
    /// Probes sent, one packet each.
    pub sent: u32,
    /// Probes answered.
    pub received: u32,
    /// The share that was lost, 0 to 1.
    pub loss: f64,
    /// How much longer runs of lost probes are than random loss makes them; absent when nothing was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst_ratio: Option<f64>,
    /// Shortest round trip in microseconds.
    pub min_us: u64,
    /// Median round trip.
    pub median_us: u64,
    /// The round trip that 95 % stay within.
    pub p95_us: u64,
    /// The round trip that 99 % stay within.
    pub p99_us: u64,
    /// Longest round trip.
    pub max_us: u64,
    /// Jitter: the mean difference of the round trips of neighbouring probes, over the whole series.
    pub jitter_us: u64,
    /// The difference that half of them stay within.
    pub jitter_p50_us: u64,
    /// The difference that 95 % stay within.
    pub jitter_p95_us: u64,
    /// The difference that 99 % stay within.
    pub jitter_p99_us: u64,
    /// Interarrival jitter (RFC 3550) at the end of the series.
    pub interarrival_jitter_us: u64,
    /// Answers that arrived after the answer to a later probe.
    pub reordered: u32,
    /// Answers that arrived twice.
    #[serde(skip_serializing_if = "is_zero")]
    pub duplicates: u32,
    /// Mean opinion score of a G.711 call with packet loss concealment (ITU-T G.107), 1 to 4.5.
    pub mos: f64,
    /// What took the time of arrival: the `kernel`, or this `program` when it read the answer, where the system does not
    /// tell; a busy machine then adds to the figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timed_by: Option<&'static str>,
    /// The DSCP (RFC 2474) that the probes were marked with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dscp: Option<u8>,
    /// The DSCPs that answers to marked probes arrived with, where the system tells: another one than `dscp` shows that a
    /// device on the path, or the far end, does not keep the mark.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dscp_received: Vec<u8>,
    /// A signal ended the series early; only the probes sent until then are counted.
    #[serde(skip_serializing_if = "is_false")]
    pub interrupted: bool,
}

impl Quality {
    /// The figures in a sentence.
    pub fn words(&self) -> String {
        format!(
            "{} of {} probes lost ({:.1} %), median round trip {:.1} ms, mean jitter {:.1} ms, p95 jitter {:.1} ms, MOS {:.2} (G.711 with concealment)",
            self.lost(),
            self.sent,
            self.loss * 100.0,
            millis(self.median_us),
            millis(self.jitter_us),
            millis(self.jitter_p95_us),
            self.mos
        )
    }

    /// How much longer than the fastest packet 95 % of the packets take at most: what waits in queues.
    pub fn delay_spread(&self) -> Duration {
        Duration::from_micros(self.p95_us.saturating_sub(self.min_us))
    }

    fn lost(&self) -> u32 {
        self.sent - self.received
    }

    /// What is wrong where a conversation with `target` would suffer: loss, or else delay and jitter.
    pub fn fault(&self, bounds: &Bounds, target: &Target) -> Option<(Failure, Cause)> {
        let bad_score = self.mos < bounds.min_mos;
        if self.lost() > 0 && (bad_score || self.lost() >= LOST && self.loss >= LOSS) {
            return Some(self.lossy(target));
        }
        let jitter = Duration::from_micros(self.jitter_p95_us);
        let mut found = Vec::new();
        if bad_score {
            found.push(format!("MOS {:.2} is below {}", self.mos, bounds.min_mos));
        }
        if jitter > bounds.max_jitter {
            let most = bounds.max_jitter.as_millis();
            found.push(format!("p95 jitter {:.1} ms is above {most} ms", millis(self.jitter_p95_us)));
        }
        if found.is_empty() {
            return None;
        }
        let detail = format!("{}: {}", found.join(", "), self.words());
        let cause = Cause::new(Reason::Unknown, Who::Unknown, repair(target)).with_evidence(self.words());
        Some((Failure::new(Code::UdpQuality, detail), cause))
    }

    fn lossy(&self, target: &Target) -> (Failure, Cause) {
        let cause = Cause::new(Reason::LossyPath, Who::Network, repair(target))
            .with_evidence(self.words())
            .with_evidence("a server that limits its answers looks the same");
        (Failure::new(Code::UdpLossy, self.words()), cause)
    }
}

fn repair(target: &Target) -> Fix {
    Fix::RepairPath { destination: Destination::of(target) }
}

fn sorted(values: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut values: Vec<Duration> = values.collect();
    values.sort_unstable();
    values
}

fn mean(values: &[Duration]) -> Duration {
    let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
    values.iter().sum::<Duration>().checked_div(count).unwrap_or_default()
}

/// The smallest value that `percent` of the sorted values do not exceed (nearest rank); zero of none.
pub fn quantile(sorted: &[Duration], percent: usize) -> Duration {
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

/// Rounded to so many digits behind the point.
pub fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

#[cfg(test)]
#[path = "quality_tests.rs"]
mod tests;
