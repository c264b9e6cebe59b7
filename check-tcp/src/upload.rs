//! The stage `upload`: sends to an address that takes it, and counts what the peer's TCP acknowledges.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::http::connection::Source;
use netcheck_common::net::Net;
use netcheck_common::target::Target;
use netcheck_common::tcp_counters::{TcpCounters, TcpHandle};
use netcheck_common::trace::{Stopped, Trace};

use crate::facts::Facts;
use crate::site::{self, Site};
use crate::transfer::{self, TransferPlan, kbps};
use crate::transfer_facts::UploadFacts;

/// The stage.
pub const UPLOAD: Layer = Layer::new("upload", Code::HttpTimeout, Code::HttpReset, Code::HttpClosed);
/// How often the kernel is asked.
const TICK: Duration = Duration::from_millis(50);
/// A piece of the body, and how many different ones there are: what repeats sooner could be compressed.
const PIECE: usize = 16 << 10;
const PIECES: usize = 32;
/// A shorter transfer says nothing of the line.
const SHORTEST: Duration = Duration::from_millis(500);

/// Uploads to the target, which was reached.
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
    let mut facts = UploadFacts::default();
    let outcome =
        trace.optional_stage(UPLOAD, net.left(), Box::pin(upload(&net, target, plan, &mut facts))).await;
    let (rate, highest, limit) = (facts.throughput_kbps, facts.highest, facts.limited_by);
    let lost = facts.retransmitted_bytes.is_some_and(|again| again * 100 > facts.bytes);
    let status = facts.status;
    trace.facts.upload = Some(Box::new(facts));
    outcome.map_err(|failure| trace.fail(failure))?;
    if let Some(status) = status.filter(|status| *status >= 400) {
        let failure = Failure::new(Code::HttpStatus, format!("HTTP {status} to the upload"));
        let remark = transfer::refused(target, failure, proven);
        trace.degrade(remark.failure, Some(remark.cause));
    } else if let Some(rate) = rate.filter(|_| highest.is_none()) {
        let detail = format!("240p (400 kbit/s) does not hold: {rate} kbit/s are acknowledged");
        let remark = transfer::slow(target, detail, rate, limit, lost);
        trace.degrade(remark.failure, Some(remark.cause));
    }
    Ok(())
}

async fn upload(
    net: &Net,
    target: &Target,
    plan: TransferPlan,
    facts: &mut UploadFacts,
) -> Result<(), Failure> {
    let mut target = target.clone();
    target.path = target.request_path();
    let target = site::target(&target.to_string())?;
    let opening = Box::pin(Site::open(net, &target, &target));
    let Some(site) = net.unless_interrupted(opening).await else { return Ok(()) };
    let site = site?;
    let mut request = site.request("POST", &target);
    request.headers.push(("content-type".to_owned(), "application/octet-stream".to_owned()));
    let Site { mut connection, tcp, .. } = site;
    facts.measured_by = if tcp.is_some() { "tcp" } else { "socket" };
    let first = tcp.as_ref().and_then(TcpHandle::counters).unwrap_or_default();
    let handed = Arc::<AtomicU64>::default();
    let begun = clock::now();
    let mut sending = Box::pin(connection.send(&request, Some(source(plan, &handed))));
    let (mut answer, mut last) = (None, first);
    // What is measured ends with the time, the volume or the answer; the answer itself is waited for a while longer.
    let is_done =
        |last: &TcpCounters| handed.load(Ordering::Relaxed) >= plan.budget && last.outstanding() == 0;
    while answer.is_none() && begun.elapsed() < plan.span && !is_done(&last) && !net.is_interrupted() {
        let wait = TICK.min(plan.span.saturating_sub(begun.elapsed()));
        answer = clock::within(wait, &mut sending).await;
        last = tcp.as_ref().and_then(TcpHandle::counters).unwrap_or(last);
    }
    let took = begun.elapsed();
    let sent = handed.load(Ordering::Relaxed);
    facts.bytes = if tcp.is_some() { last.acknowledged.saturating_sub(first.acknowledged) } else { sent };
    facts.seconds = transfer::rounded(took.as_secs_f64());
    facts.budget_reached = sent >= plan.budget;
    facts.throughput_kbps = (took >= SHORTEST).then(|| kbps(facts.bytes, took));
    facts.limited_by = tcp.as_ref().filter(|_| took >= SHORTEST).map(|_| last.limit_since(&first));
    facts.retransmitted_bytes = tcp.as_ref().map(|_| last.retransmitted.saturating_sub(first.retransmitted));
    (facts.highest, facts.words) = transfer::rung(facts.throughput_kbps, None);
    facts.interrupted = net.is_interrupted();
    if answer.is_none() && !facts.interrupted {
        answer = clock::within(net.timeout().min(net.left()), &mut sending).await;
    }
    // A server that is still reading when the time is up has refused nothing.
    if let Some(reply) = answer {
        facts.status = Some(reply?.status);
    }
    Ok(())
}

/// A body that does not repeat soon, until time or volume is used up; `handed` counts its bytes.
fn source(plan: TransferPlan, handed: &Arc<AtomicU64>) -> Source {
    let (end, handed) = (clock::now() + plan.span, Arc::clone(handed));
    let noise = RandomState::new();
    let words = u64::try_from(PIECE * PIECES / 8).unwrap_or(u64::MAX);
    let bytes: Vec<u8> = (0..words).flat_map(|number| noise.hash_one(number).to_ne_bytes()).collect();
    let (all, mut at) = (Bytes::from(bytes), 0);
    Box::new(move || {
        let left = plan.budget.saturating_sub(handed.load(Ordering::Relaxed));
        let length = PIECE.min(usize::try_from(left).unwrap_or(PIECE));
        if length == 0 || clock::now() >= end {
            return None;
        }
        let piece = all.slice(at..at + length);
        at = (at + PIECE) % all.len();
        handed.fetch_add(u64::try_from(length).unwrap_or(0), Ordering::Relaxed);
        Some(piece)
    })
}
