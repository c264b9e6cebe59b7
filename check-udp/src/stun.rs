//! The scheme `stun`: one Binding exchange, or a series of probes, and what several servers say about the NAT.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::net::Net;
use netcheck_common::target::Target;
use netcheck_common::trace::{Stopped, Trace};
use netcheck_common::udp::Socket;

use crate::binding::{self, Binding};
use crate::check::{Udp, lossy, random};
use crate::facts::{Facts, Stun};
use crate::message::Id;
use crate::quality::Quality;
use crate::reach;
use crate::wire::{Heard, Reply, Wire as _, ask, series};

/// STUN over UDP.
pub const STUN: Layer = Layer::new("stun", Code::UdpTimeout, Code::UdpRefused, Code::StunMalformed);

/// What one server told.
struct Told {
    binding: Binding,
    facts: Stun,
    quality: Option<Quality>,
    local: Option<SocketAddr>,
    server: SocketAddr,
}

/// Checks one target.
pub async fn check(udp: &Udp, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
    let addresses = trace.addresses(target).await?;
    let net = trace.diagnosis();
    let (bound, port) = (reach::bound(&net), target.port());
    let told = match udp.series.count {
        None => {
            let work = udp.controls.beside(&net, Box::pin(one(udp, &net, &addresses, port, bound)));
            trace.stage_within(STUN, reach::outer(&net), work).await?
        }
        Some(_) => {
            let work =
                reach::in_turn(&net, &addresses, port, async |address| train(udp, &net, address, port).await);
            // A series lasts as long as it was asked to; it ends by itself before the deadline does.
            trace.stage_within(STUN, net.left(), Box::pin(work)).await?
        }
    };
    if let Some(local) = told.local.filter(|_| addresses.len() > 1) {
        // The other family may have been tried since.
        net.note_path(local, told.server);
    }
    trace.facts.stun = Some(told.facts.clone());
    if let Some(failure) = told.binding.mismatch() {
        trace.degrade(failure, Some(rewritten(target, &told)));
    }
    if let Some(quality) = &told.quality
        && let Some((failure, cause)) = lossy(quality, udp.min_mos, target)
    {
        trace.degrade(failure, Some(cause));
    }
    trace.facts.quality = told.quality;
    if let Some(local) = told.local {
        trace.facts.nat = udp.mappings.learn(local, told.server, told.binding.mapped);
    }
    Ok(())
}

/// One exchange with retransmission, with the family that answers first.
async fn one(
    udp: &Udp,
    net: &Net,
    addresses: &[IpAddr],
    port: u16,
    bound: Duration,
) -> Result<Told, Failure> {
    reach::race(net, addresses, port, |address| async move {
        let mut lease = udp.mappings.open(net, address, port).await?;
        let id: Id = random();
        let read = |bytes: &[u8]| match binding::read(bytes, |found| *found == id) {
            Heard::Answer((_, answer)) => Heard::Answer(answer),
            Heard::Ignored => Heard::Ignored,
            Heard::Broken(failure) => Heard::Broken(failure),
        };
        let reply = ask(&mut lease.socket, &binding::request(id), bound, read).await?;
        let binding = reply.value.clone()?;
        Ok(told(&lease.socket, binding, &reply, None))
    })
    .await
}

async fn train(udp: &Udp, net: &Net, address: IpAddr, port: u16) -> Result<Told, Failure> {
    let mut lease = udp.mappings.open(net, address, port).await?;
    let prefix: [u8; 8] = random();
    let first: RefCell<Option<Binding>> = RefCell::default();
    let broken: RefCell<Option<Failure>> = RefCell::default();
    let mut ignored = 0;
    let probe = |number: u32| binding::request(numbered(prefix, number));
    let number = |bytes: &[u8]| match binding::read(bytes, |id| id[..8] == prefix) {
        Heard::Answer((id, Ok(binding))) => {
            first.borrow_mut().get_or_insert(binding);
            id.last_chunk::<4>().map(|number| u32::from_be_bytes(*number))
        }
        Heard::Answer((_, Err(failure))) | Heard::Broken(failure) => {
            broken.borrow_mut().get_or_insert(failure);
            None
        }
        Heard::Ignored => {
            ignored += 1;
            None
        }
    };
    let series = series(&mut lease.socket, udp.series.plan(net), probe, number).await?;
    let sent = series.count();
    let silence = || {
        let none = Failure::new(Code::UdpTimeout, format!("none of {sent} probes was answered"));
        lease.socket.amid(none, ignored)
    };
    let binding = first.into_inner().ok_or_else(|| broken.into_inner().unwrap_or_else(silence))?;
    let reply = Reply { value: (), round_trip: Duration::ZERO, sent, ignored };
    Ok(told(&lease.socket, binding, &reply, series.quality()))
}

/// The id of a numbered probe: eight random bytes, then the number.
fn numbered(prefix: [u8; 8], number: u32) -> Id {
    let mut id = [0; 12];
    id[..8].copy_from_slice(&prefix);
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

fn told<T>(socket: &Socket, binding: Binding, reply: &Reply<T>, quality: Option<Quality>) -> Told {
    let facts = Stun {
        mapped: Some(binding.mapped),
        mapped_plain: binding.plain,
        other_address: binding.other,
        software: binding.software.clone(),
        round_trip_us: quality.is_none().then(|| reply.micros()),
        requests: reply.sent,
        ignored: reply.ignored,
    };
    Told { binding, facts, quality, local: socket.local_addr(), server: socket.peer() }
}

/// Only something that looks into payloads and replaces addresses makes the two differ.
fn rewritten(target: &Target, told: &Told) -> Cause {
    let fix = format!(
        "Switch off the application-level gateway (SIP/STUN ALG, payload rewriting) for UDP to {}.",
        target.authority()
    );
    let cause = Cause::new(Reason::NatRewrite, Who::Network, fix)
        .seen("the address a device can read in the answer differs from the one it cannot");
    if told.binding.plain.is_some() && told.binding.plain == told.local {
        cause.sure(Confidence::Medium).seen("the readable one was replaced by our own address behind the NAT")
    } else {
        cause.sure(Confidence::Low)
    }
}
