//! The scheme `stun`: one Binding exchange, or a series of probes, and what several servers say about the NAT.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::fix::{Filter, Fix};
use netcheck_common::net::Net;
use netcheck_common::target::Target;
use netcheck_common::trace::{Stopped, Trace};
use netcheck_common::udp::Socket;

use crate::binding::{self, Binding};
use crate::facts::{Facts, StunFacts};
use crate::message::Id;
use crate::quality::Quality;
use crate::random::random;
use crate::reach;
use crate::run::Run;
use crate::series::send_series;
use crate::stray;
use crate::wire::{Received, Reply, Wire as _, ask};

/// STUN over UDP.
pub const STUN: Layer = Layer::new("stun", Code::UdpTimeout, Code::UdpRefused, Code::StunMalformed);

/// What one server answered.
struct StunResult {
    binding: Binding,
    facts: StunFacts,
    quality: Option<Quality>,
    local: Option<SocketAddr>,
    server: SocketAddr,
}

/// Checks one target.
pub async fn check(run: &Run, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
    let addresses = trace.addresses(target).await?;
    let net = trace.diagnosis();
    let port = target.port();
    let found = Cell::new(None);
    let result = if run.series.count.is_none() {
        let work = run.controls.beside(&net, Box::pin(exchange(run, &net, &addresses, port, &found)));
        trace.stage_within(STUN, reach::outer(&net), work).await
    } else {
        let work =
            reach::in_turn(&net, &addresses, port, async |address| measure(run, &net, address, port).await);
        // A series lasts as long as it was asked to; it ends by itself before the deadline does.
        trace.stage_within(STUN, net.left(), Box::pin(work)).await
    };
    if result.is_err() && found.get().is_some() {
        trace.facts.stun = Some(StunFacts { answered_from: found.get(), ..StunFacts::default() });
    }
    let result = result?;
    if let Some(local) = result.local.filter(|_| addresses.len() > 1) {
        // The other family may have been tried since.
        net.note_path(local, result.server);
    }
    trace.facts.stun = Some(result.facts.clone());
    if !result.binding.masked {
        let note = "the server sends MAPPED-ADDRESS alone (RFC 3489): a device that rewrites addresses in payloads cannot be excluded";
        trace.facts.note = Some(note.to_owned());
    }
    if let Some(failure) = result.binding.mismatch() {
        trace.degrade(failure, Some(rewritten(target, &result)));
    }
    if let Some((failure, cause)) =
        result.quality.as_ref().and_then(|quality| quality.fault(&run.bounds, target))
    {
        trace.degrade(failure, Some(cause));
    }
    trace.facts.dscp = marked(run).filter(|_| result.quality.is_some());
    trace.facts.quality = result.quality;
    if let Some(local) = result.local {
        trace.facts.nat = run.mappings.add_mapping(local, result.server, result.binding.mapped);
    }
    Ok(())
}

/// One exchange with retransmission, with the family that answers first.
async fn exchange(
    run: &Run,
    net: &Net,
    addresses: &[IpAddr],
    port: u16,
    found: &Cell<Option<SocketAddr>>,
) -> Result<StunResult, Failure> {
    let bound = reach::bound(net);
    reach::race(net, addresses, port, |address| async move {
        let mut lease = run.mappings.open(net, address, port).await?;
        let read = |bytes: &[u8], ours: &dyn Fn(&Id) -> bool| binding::read(bytes, ours);
        let work = ask(&mut lease.socket, binding::question, bound, read);
        let reply = stray::beside(net, SocketAddr::new(address, port), bound, found, work).await?;
        let binding = reply.value.clone()?;
        Ok(result(&lease.socket, binding, &reply, None))
    })
    .await
}

async fn measure(run: &Run, net: &Net, address: IpAddr, port: u16) -> Result<StunResult, Failure> {
    net.keep_measurement();
    let mut lease = run.mappings.open(net, address, port).await?;
    let prefix: [u8; 8] = random();
    let first: RefCell<Option<Binding>> = RefCell::default();
    let broken: RefCell<Option<Failure>> = RefCell::default();
    let mut ignored = 0;
    let probe = |number: u32| binding::request(numbered(prefix, number));
    let number = |bytes: &[u8]| match binding::read(bytes, &|id| id[..8] == prefix) {
        Received::Answer((id, Ok(binding))) => {
            first.borrow_mut().get_or_insert(binding);
            id.last_chunk::<4>().map(|number| u32::from_be_bytes(*number))
        }
        Received::Answer((_, Err(failure))) | Received::Broken(failure) => {
            broken.borrow_mut().get_or_insert(failure);
            None
        }
        Received::Ignored => {
            ignored += 1;
            None
        }
    };
    let log = send_series(&mut lease.socket, net, run.series.plan(net), marked(run), probe, number).await?;
    let sent = log.count();
    let silence = || {
        let none = Failure::new(Code::UdpTimeout, format!("none of {sent} probes was answered"));
        lease.socket.with_unrelated(none, ignored)
    };
    let binding = first.into_inner().ok_or_else(|| broken.into_inner().unwrap_or_else(silence))?;
    let reply = Reply { value: (), round_trip: Duration::ZERO, sent, ignored };
    Ok(result(&lease.socket, binding, &reply, log.quality()))
}

/// The DSCP of a series.
fn marked(run: &Run) -> Option<u8> {
    run.marks.map(|marks| marks.audio)
}

/// The id of a numbered probe: eight random bytes, then the number.
fn numbered(prefix: [u8; 8], number: u32) -> Id {
    let mut id = [0; 12];
    id[..8].copy_from_slice(&prefix);
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

fn result<T>(socket: &Socket, binding: Binding, reply: &Reply<T>, quality: Option<Quality>) -> StunResult {
    let facts = StunFacts {
        mapped: Some(binding.mapped),
        mapped_plain: binding.plain,
        other_address: binding.other,
        software: binding.software.clone(),
        round_trip_us: quality.is_none().then(|| reply.micros()),
        requests: reply.sent,
        ignored: reply.ignored,
        answered_from: None,
    };
    StunResult { binding, facts, quality, local: socket.local_addr(), server: socket.peer() }
}

/// Only something that looks into payloads and replaces addresses makes the two differ.
fn rewritten(target: &Target, result: &StunResult) -> Cause {
    let cause = Cause::new(Reason::NatRewrite, Who::Network, Fix::exempt(target, Filter::Rewriting))
        .with_evidence("the address a device can read in the answer differs from the one it cannot");
    if result.binding.plain.is_some() && result.binding.plain == result.local {
        cause
            .with_confidence(Confidence::Medium)
            .with_evidence("the readable one was replaced by our own address behind the NAT")
    } else {
        cause.with_confidence(Confidence::Low)
    }
}
