//! A series of numbered probes of one packet each: the flags that ask for it, how it is sent, and the sending.

use std::time::{Duration, Instant};

use clap::Args;
use netcheck_common::clock::{now, pause, within};
use netcheck_common::failure::Failure;
use netcheck_common::net::Net;

use crate::quality::ProbeLog;
use crate::wire::{Wire, left};

/// The flags of a series.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct SeriesFlags {
    /// Send N probes of one packet each and measure loss, delay, jitter and MOS (stun, turn with credentials, icmp)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub count: Option<u32>,
    /// Milliseconds from one probe to the next
    #[arg(long, value_name = "MS", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=60_000))]
    interval: u32,
}

impl SeriesFlags {
    /// The same, with so many probes where no number was given.
    pub fn or(self, count: u32) -> Self {
        SeriesFlags { count: self.count.or(Some(count)), ..self }
    }

    /// How long it takes to send.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(u64::from(self.interval)) * self.count.unwrap_or(0)
    }

    /// How it is sent: the last answer is waited for as long as a stage, and all ends before the deadline does.
    pub fn plan(&self, net: &Net) -> SeriesPlan {
        SeriesPlan {
            count: self.count.unwrap_or(1),
            interval: Duration::from_millis(u64::from(self.interval)),
            patience: net.timeout().min(Duration::from_secs(2)),
            end: now() + net.left().mul_f64(0.75).max(net.left().saturating_sub(Duration::from_secs(1))),
        }
    }
}

/// How a series is sent.
#[derive(Clone, Copy, Debug)]
pub struct SeriesPlan {
    /// How many probes.
    pub count: u32,
    /// From one probe to the next.
    pub interval: Duration,
    /// How long the last probe's answer is waited for.
    pub patience: Duration,
    /// When the series ends whatever is left of it.
    pub end: Instant,
}

/// How long the last answers are waited for after a signal.
const LAST: Duration = Duration::from_millis(500);

/// Sends numbered probes until all are sent or a signal ends the run; `probe` makes the packet of a number, `number` finds the number of an answer.
pub async fn send_series<W: Wire>(
    wire: &mut W,
    net: &Net,
    plan: SeriesPlan,
    dscp: Option<u8>,
    mut probe: impl FnMut(u32) -> Vec<u8>,
    mut number: impl FnMut(&[u8]) -> Option<u32>,
) -> Result<ProbeLog, Failure> {
    wire.listen_arrivals();
    if let Some(dscp) = dscp {
        wire.mark(dscp);
    }
    let mut log = ProbeLog::marked(dscp);
    let mut count = plan.count;
    let mut sent_at: Vec<Instant> = Vec::new();
    let mut buffer = Vec::new();
    let begun = now();
    let mut until = begun;
    loop {
        if net.is_interrupted() && log.count() < count {
            log.interrupt();
            count = log.count();
            until = plan.end.min(now() + LAST);
        }
        if now() >= until {
            if log.count() >= count || now() >= plan.end {
                return Ok(log);
            }
            let packet = probe(log.count());
            // The clock starts before the send. What this machine's queue has no room for is late, and not lost on
            // the way.
            sent_at.push(now());
            let sent = within(left(plan.end), wire.send(&packet)).await;
            log.sent();
            kept(sent.unwrap_or(Ok(())), &log)?;
            let last = log.count() == count;
            until = if last { now() + plan.patience } else { begun + plan.interval * log.count() };
            until = until.min(plan.end.max(now()));
        }
        let received = tokio::select! {
            biased;
            received = wire.receive(&mut buffer) => received,
            // What a signal changes, it changes once.
            () = wait(net, left(until), log.count() < count) => continue,
        };
        if let Some(arrival) = kept(received, &log)?
            && let Some(number) = number(&buffer)
            && let Some(at) = sent_at.get(number as usize)
        {
            log.arrived(number, *at, arrival);
        }
        if log.complete() && log.count() == count {
            return Ok(log);
        }
    }
}

/// Waits so long; `early`: or until a signal ends the run.
pub async fn wait(net: &Net, time: Duration, early: bool) {
    if early { net.interrupted_or(time).await } else { pause(time).await }
}

/// An ICMP error ends a series that has no answer yet; later it is one more loss.
fn kept<T>(result: Result<T, Failure>, log: &ProbeLog) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(failure) if log.silent() || failure.code.layer() != "udp" => Err(failure),
        Err(_) => Ok(None),
    }
}
