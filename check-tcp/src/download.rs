//! The stage `download`: fetches an HLS playlist's segments as a player does, or one address again and again.

use std::time::Duration;

use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::rung::Limit;
use netcheck_common::target::Target;
use netcheck_common::trace::{Stopped, Trace};

use crate::facts::Facts;
use crate::fetch::{Fetcher, Transfer};
use crate::play::{Playback, Player};
use crate::playlist;
use crate::transfer::{self, TransferPlan, kbps};
use crate::transfer_facts::{DownloadFacts, SegmentFacts};

/// The stage.
pub const DOWNLOAD: Layer = Layer::new("download", Code::HttpTimeout, Code::HttpReset, Code::HttpClosed);
/// Shorter answers end before TCP is at its pace: they say nothing of the line.
const MEASURED: u64 = 64 << 10;
/// How many segments the record lists.
const LISTED: usize = 50;
/// How much playback may stop before it is a fault: a busy machine stops it for a moment.
const STALLED: Duration = Duration::from_millis(500);

/// The segments that were fetched.
#[derive(Debug, Default)]
pub struct Log {
    count: u32,
    bytes: u64,
    took: Duration,
    slowest: Option<f64>,
    first_bytes: Vec<u64>,
    listed: Vec<SegmentFacts>,
}

impl Log {
    /// Notes a segment.
    pub fn note(&mut self, transfer: &Transfer) {
        let rate = kbps(transfer.bytes, transfer.took);
        self.count = self.count.saturating_add(1);
        if transfer.bytes >= MEASURED {
            self.bytes += transfer.bytes;
            self.took += transfer.took;
            self.slowest = Some(self.slowest.map_or(rate, |slowest| slowest.min(rate)));
        }
        if self.first_bytes.len() < 10_000 && transfer.bytes > 0 {
            self.first_bytes.push(microseconds(transfer.first_byte));
        }
        if self.listed.len() < LISTED {
            self.listed.push(SegmentFacts {
                bytes: transfer.bytes,
                first_byte_us: microseconds(transfer.first_byte),
                us: microseconds(transfer.took),
                kbps: rate,
            });
        }
    }

    /// The throughput so far, where enough came to tell.
    pub fn kbps(&self) -> Option<f64> {
        (self.bytes > 0).then(|| kbps(self.bytes, self.took))
    }
}

/// A duration in whole microseconds.
fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Downloads from the target, whose own answer was good.
///
/// # Errors
/// The transfer failed.
pub async fn check(
    plan: TransferPlan,
    target: &Target,
    trace: &mut Trace<Facts>,
    proven: bool,
) -> Result<(), Stopped> {
    let net = trace.net();
    net.keep_measurement();
    let mut fetcher = Fetcher::new(&net, target, plan);
    let mut log = Log::default();
    let mut playback = None;
    let work = fetch(target, &mut fetcher, &mut log, &mut playback);
    let outcome = trace.optional_stage(DOWNLOAD, net.left(), Box::pin(work)).await;
    let limit = fetcher.receiver.limit();
    let lost = fetcher.receiver.has_loss();
    let mut facts = facts(&fetcher, plan, log, playback.as_ref(), limit);
    facts.interrupted = net.is_interrupted();
    trace.facts.download = Some(Box::new(facts));
    match outcome {
        Err(failure) if failure.code == Code::HttpStatus => {
            let remark = transfer::refused(target, failure, proven);
            trace.degrade(remark.failure, Some(remark.cause));
            return Ok(());
        }
        Err(failure) => return Err(trace.fail(failure)),
        Ok(()) => {}
    }
    let facts = trace.facts.download.as_ref();
    let (rate, highest) = facts.map_or((None, None), |facts| (facts.throughput_kbps, facts.highest));
    if let Some(rate) = rate
        && let Some(detail) = fault(rate, highest, playback.as_ref())
    {
        let remark = transfer::slow(target, detail, rate, limit, lost);
        trace.degrade(remark.failure, Some(remark.cause));
    }
    Ok(())
}

/// What is wrong with what was downloaded at that rate.
fn fault(kbps: f64, highest: Option<&str>, playback: Option<&Playback>) -> Option<String> {
    if let Some(played) = playback.filter(|played| played.stalled > STALLED) {
        let times = if played.stalls == 1 { "once".to_owned() } else { format!("{} times", played.stalls) };
        let stalled = clock::seconds(played.stalled);
        return Some(format!("playback stopped {times}, for {stalled} together: {kbps} kbit/s arrive"));
    }
    highest.is_none().then(|| format!("240p (400 kbit/s) does not hold: {kbps} kbit/s arrive"))
}

async fn fetch(
    target: &Target,
    fetcher: &mut Fetcher<'_>,
    log: &mut Log,
    playback: &mut Option<Playback>,
) -> Result<(), Failure> {
    let mut first = target.clone();
    first.path = target.request_path();
    let address = first.to_string();
    while let Some(transfer) = fetcher.get(&address, None).await? {
        let text = transfer.text.as_deref().map(String::from_utf8_lossy);
        if let Some(list) = text.as_deref().and_then(playlist::parse) {
            let playback = playback.insert(Playback::default());
            return Player::new(fetcher, log, playback).play(transfer.address, list).await;
        }
        log.note(&transfer);
        // More copies of a small page would tell no more.
        if transfer.bytes < MEASURED {
            return Ok(());
        }
    }
    Ok(())
}

fn facts(
    fetcher: &Fetcher<'_>,
    plan: TransferPlan,
    log: Log,
    playback: Option<&Playback>,
    limit: Option<Limit>,
) -> DownloadFacts {
    let throughput_kbps = log.kbps();
    let (highest, words) = transfer::rung(throughput_kbps, limit);
    let mut first_bytes = log.first_bytes;
    first_bytes.sort_unstable();
    DownloadFacts {
        seconds: transfer::rounded(fetcher.begun.elapsed().as_secs_f64()),
        bytes: fetcher.received,
        budget_reached: fetcher.received >= plan.budget,
        connections: fetcher.connections,
        segments: log.count,
        throughput_kbps,
        slowest_kbps: log.slowest,
        first_byte_us: first_bytes.get(first_bytes.len() / 2).copied(),
        highest,
        words,
        interrupted: false,
        limited_by: limit.filter(|_| throughput_kbps.is_some()),
        playback: playback.map(Playback::facts),
        each: log.listed,
    }
}
