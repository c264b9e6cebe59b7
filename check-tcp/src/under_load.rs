//! The stage `under_load`: downloads over more and more connections until the line is at its limit, and probes its delay
//! meanwhile (draft-ietf-ippm-responsiveness).

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::http::Request;
use netcheck_common::http::connection::{Connection, Reply};
use netcheck_common::net::Net;
use netcheck_common::target::Target;
use netcheck_common::tls::Hello;
use netcheck_common::trace::{Stopped, Trace};

use crate::facts::Facts;
use crate::receiver::Receiver;
use crate::responsiveness::{self as rules, MOVING, ProbeTimes};
use crate::site::{self, Site};
use crate::transfer::{TransferPlan, kbps, rounded};
use crate::transfer_facts::UnderLoadFacts;

/// The stage.
pub const UNDER_LOAD: Layer = Layer::new("under_load", Code::HttpTimeout, Code::HttpReset, Code::HttpClosed);
/// The length of an interval: one more connection begins in each.
const INTERVAL: Duration = Duration::from_secs(1);
/// The most connections that carry load.
const FLOWS: u32 = 16;
/// Probes are this far apart; the draft allows 100 per second.
const PROBING: Duration = Duration::from_millis(100);
/// The most probes that are under way at once.
const UNDER_WAY: usize = 20;
/// Probes before the load: what the path needs when it is idle.
const IDLE_PROBES: u32 = 10;

/// What all connections of the measurement share.
struct Load<'a> {
    net: &'a Net,
    target: &'a Target,
    plan: TransferPlan,
    begun: Instant,
    bytes: Cell<u64>,
    /// Whether a connection that carries load also takes requests meanwhile.
    multiplexed: Cell<bool>,
    foreign: RefCell<Vec<(Instant, ProbeTimes)>>,
    loaded: RefCell<Vec<(Instant, Duration)>>,
    lost: Cell<u32>,
    stopped: Cell<bool>,
    receiver: RefCell<Receiver>,
}

impl Load<'_> {
    fn is_over(&self) -> bool {
        self.stopped.get()
            || self.begun.elapsed() >= self.plan.span
            || self.bytes.get() >= self.plan.budget
            || self.net.is_interrupted()
    }
}

/// Loads the line to the target, which has answered, and measures its responsiveness.
///
/// # Errors
/// The target could not be fetched over a first connection.
pub async fn check(plan: TransferPlan, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
    let net = trace.net();
    net.keep_measurement();
    let mut facts = UnderLoadFacts::default();
    let outcome =
        trace.optional_stage(UNDER_LOAD, net.left(), Box::pin(measure(&net, target, plan, &mut facts))).await;
    facts.interrupted = net.is_interrupted();
    trace.facts.under_load = Some(Box::new(facts));
    outcome.map_err(|failure| trace.fail(failure))
}

async fn measure(
    net: &Net,
    target: &Target,
    plan: TransferPlan,
    facts: &mut UnderLoadFacts,
) -> Result<(), Failure> {
    let mut target = target.clone();
    target.path = target.request_path();
    let target = site::target(&target.to_string())?;
    let load = Load {
        net,
        target: &target,
        plan,
        begun: clock::now(),
        bytes: Cell::new(0),
        multiplexed: Cell::new(false),
        foreign: RefCell::default(),
        loaded: RefCell::default(),
        lost: Cell::new(0),
        stopped: Cell::new(false),
        receiver: RefCell::default(),
    };
    let mut idle = Vec::new();
    for _ in 0..IDLE_PROBES {
        if load.is_over() {
            break;
        }
        idle.push(Box::pin(probe(&load)).await?);
    }
    let mut intervals = Vec::new();
    let stable = Box::pin(run(&load, &mut intervals)).await?;
    describe(&load, &idle, &intervals, stable, facts);
    Ok(())
}

/// One interval: what arrived in it, over how many connections.
struct Interval {
    ended: Instant,
    goodput_kbps: f64,
    flows: u32,
}

/// Adds a connection in each interval until the goodput and the delay are stable; whether they were.
async fn run(load: &Load<'_>, intervals: &mut Vec<Interval>) -> Result<bool, Failure> {
    let mut flows = FuturesUnordered::new();
    flows.push(Box::pin(flow(load, true)));
    let mut probes = FuturesUnordered::new();
    let (mut count, mut before) = (1_u32, 0);
    let (mut next, mut next_probe) = (clock::now() + INTERVAL, clock::now());
    let (mut saturated, mut rpms) = (false, Vec::new());
    loop {
        let now = clock::now();
        if now >= next_probe && probes.len() < UNDER_WAY {
            probes.push(Box::pin(noted_probe(load)));
            next_probe = now + PROBING;
        }
        if now >= next {
            let bytes = load.bytes.get();
            let goodput_kbps = kbps(bytes - before, INTERVAL + now.saturating_duration_since(next));
            (before, next) = (bytes, now + INTERVAL);
            intervals.push(Interval { ended: now, goodput_kbps, flows: count });
            let goodputs: Vec<f64> = intervals.iter().map(|one| one.goodput_kbps).collect();
            saturated |= rules::is_stable(&goodputs);
            rpms.push(recent_rpm(load, now - INTERVAL).unwrap_or_default());
            if saturated && rules::is_stable(&rpms) {
                return Ok(true);
            }
            if !saturated && count < FLOWS {
                count += 1;
                flows.push(Box::pin(flow(load, false)));
            }
        }
        if load.is_over() {
            return Ok(false);
        }
        let until = next.min(next_probe.max(now + Duration::from_millis(5))).saturating_duration_since(now);
        tokio::select! {
            biased;
            Some(ended) = flows.next(), if !flows.is_empty() => {
                // A further connection that is refused is no fault of the line; without any there is no load.
                if let Err(failure) = ended && flows.is_empty() {
                    return Err(failure);
                }
            }
            Some(()) = probes.next(), if !probes.is_empty() => {}
            () = load.net.interrupted_or(until) => {}
        }
    }
}

/// Round trips per minute of the probes since then.
fn recent_rpm(load: &Load<'_>, since: Instant) -> Option<f64> {
    let recent: Vec<ProbeTimes> =
        load.foreign.borrow().iter().filter(|(at, _)| *at >= since).map(|(_, times)| *times).collect();
    rules::foreign_rpm(&recent)
}

/// One connection that fetches the target again and again; the first is also asked for a byte meanwhile, where it can be.
async fn flow(load: &Load<'_>, first: bool) -> Result<(), Failure> {
    let mut site = Site::open(load.net, load.target, load.target).await?;
    let request = site.request("GET", load.target);
    let small = one_byte(&site, load.target);
    if first && site.connection.is_multiplexed() {
        load.multiplexed.set(true);
    }
    while !load.is_over() {
        let reply = clock::within(load.net.timeout(), site.connection.ask(&request)).await;
        let mut reply =
            reply.ok_or_else(|| Failure::new(Code::HttpTimeout, "the request is not answered"))??;
        if !matches!(reply.status, 200 | 206) {
            return Err(Failure::new(Code::HttpStatus, format!("HTTP {} to the request", reply.status)));
        }
        if first {
            load.receiver.borrow_mut().begin(site.tcp.as_ref());
        }
        let tcp = &site.tcp;
        let body = async {
            while let Some(piece) = reply.piece().await? {
                load.bytes.set(load.bytes.get() + u64::try_from(piece.len()).unwrap_or(0));
                if first {
                    load.receiver.borrow_mut().sample(tcp.as_ref());
                }
                if load.is_over() {
                    break;
                }
            }
            Ok::<_, Failure>(())
        };
        if first && load.multiplexed.get() {
            tokio::select! {
                biased;
                ended = body => ended?,
                never = ask_again(load, &mut site.connection, &small) => never?,
            }
        } else {
            body.await?;
        }
    }
    Ok(())
}

/// Asks for one byte on a connection that carries load, again and again.
async fn ask_again(load: &Load<'_>, connection: &mut Connection, small: &Request) -> Result<(), Failure> {
    loop {
        let asked = clock::now();
        let mut reply = connection.ask(small).await?;
        let took = asked.elapsed();
        load.loaded.borrow_mut().push((asked, took));
        drain(&mut reply).await?;
        clock::pause(PROBING.saturating_sub(took)).await;
    }
}

/// Reads the rest of a small answer; a large one is dropped.
async fn drain(reply: &mut Reply) -> Result<(), Failure> {
    let mut left = 4_usize;
    while left > 0 && reply.piece().await?.is_some() {
        left -= 1;
    }
    Ok(())
}

/// A request for one byte of the target (RFC 9110 section 14.2).
fn one_byte(site: &Site, target: &Target) -> Request {
    let mut request = site.request("GET", target);
    request.headers.push(("range".to_owned(), "bytes=0-0".to_owned()));
    request
}

/// A probe whose times are kept; one that fails is counted.
async fn noted_probe(load: &Load<'_>) {
    let begun = clock::now();
    match clock::within(load.net.timeout(), probe(load)).await {
        Some(Ok(times)) => load.foreign.borrow_mut().push((begun, times)),
        Some(Err(_)) | None => load.lost.set(load.lost.get() + 1),
    }
}

/// A connection of its own, and one byte over it.
async fn probe(load: &Load<'_>) -> Result<ProbeTimes, Failure> {
    let (own, target) = (load.net.for_control(), load.target);
    let begun = clock::now();
    let (stream, tcp, absolute) = site::reach(&own, load.net, target, target).await?;
    let connected = clock::now();
    let (stream, tls) = if target.scheme.is_tls() {
        let mut hello = Hello::of(target);
        hello.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let secure = own.handshake(stream, &own.as_asked(&hello)).await?;
        (secure.stream, Some(connected.elapsed()))
    } else {
        (stream, None)
    };
    let mut site = Site::over(stream, tcp, target, absolute).await?;
    let request = one_byte(&site, target);
    let asked = clock::now();
    drop(site.connection.ask(&request).await?);
    Ok(ProbeTimes { tcp: connected.saturating_duration_since(begun), tls, http: asked.elapsed() })
}

fn describe(
    load: &Load<'_>,
    idle: &[ProbeTimes],
    intervals: &[Interval],
    stable: bool,
    facts: &mut UnderLoadFacts,
) {
    // The draft takes the last intervals, over which the averages were stable.
    let from =
        intervals.len().checked_sub(MOVING).and_then(|at| intervals.get(at)).map(|one| one.ended - INTERVAL);
    let from = from.unwrap_or(load.begun);
    let foreign: Vec<ProbeTimes> =
        load.foreign.borrow().iter().filter(|(at, _)| *at >= from).map(|(_, times)| *times).collect();
    let loaded: Vec<Duration> =
        load.loaded.borrow().iter().filter(|(at, _)| *at >= from).map(|(_, took)| *took).collect();
    let last: Vec<f64> = intervals.iter().rev().take(MOVING).map(|one| one.goodput_kbps).collect();
    let goodput = last.iter().sum::<f64>() / f64::from(u32::try_from(last.len().max(1)).unwrap_or(1));
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let idle_delay = rules::median(idle.iter().map(|probe| probe.tcp));
    let loaded_delay = rules::median(foreign.iter().map(|probe| probe.tcp));
    let (by_own, by_loaded) = (rules::foreign_rpm(&foreign), rules::loaded_rpm(&loaded));
    let rpm = match (by_own, by_loaded) {
        (Some(own), Some(loaded)) => Some(f64::midpoint(own, loaded)),
        (own, _) => own,
    };
    facts.seconds = rounded(load.begun.elapsed().as_secs_f64());
    facts.bytes = load.bytes.get();
    facts.budget_reached = load.bytes.get() >= load.plan.budget;
    facts.flows = intervals.last().map_or(1, |one| one.flows);
    facts.stable = stable;
    facts.throughput_kbps = (!last.is_empty()).then(|| rounded(goodput));
    facts.idle_us = idle_delay.map(micros);
    facts.loaded_us = loaded_delay.map(micros);
    let added = idle_delay.zip(loaded_delay).map(|(idle, loaded)| loaded.saturating_sub(idle));
    facts.added_us = added.map(micros);
    facts.grade = added.map(rules::grade);
    facts.rpm = rpm.map(f64::round);
    facts.class = rpm.map(rules::class);
    facts.foreign_rpm = by_own.map(f64::round);
    facts.loaded_rpm = by_loaded.map(f64::round);
    facts.probes = u32::try_from(foreign.len() + loaded.len()).unwrap_or(u32::MAX);
    facts.lost_probes = load.lost.get();
    facts.limited_by = load.receiver.borrow().limit();
}
