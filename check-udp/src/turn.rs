//! The schemes `turn` and `turns`: an Allocate that draws a challenge proves the way to the relay; with credentials
//! the relay is used (relay.rs). Every allocation is released.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};

use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::net::Net;
use netcheck_common::stream::Stream;
use netcheck_common::target::{Host, Target};
use netcheck_common::trace::{Stopped, Trace};

use crate::allocate::{FirstAnswer, allocate};
use crate::dscp::Marks;
use crate::facts::{Facts, TurnFacts};
use crate::reach;
use crate::redirect::Redirects;
use crate::relay::{self, Echo};
use crate::relay_media;
use crate::run::Run;
use crate::secure::{Secured, secure};
use crate::stray;
use crate::transport::Transport;
use crate::turn_message::{Alternate, Challenge, Refusal};
use crate::wire::{Framed, Reply, Wire};

/// What a record says of a server that refuses the ALPN protocol.
pub const WITHOUT_ALPN: &str = "the server refuses the ALPN protocol stun.turn (RFC 7443) and is reached without ALPN, as browsers connect";

/// Checks one target.
pub async fn check(run: &Run, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
    let Some(transport) = Transport::wanted(target) else {
        let detail = "the transport is not one of turn?transport=udp, turn?transport=tcp, turns";
        return Err(trace.fail(Failure::new(Code::InputInvalid, detail)));
    };
    let mut redirects = Redirects::default();
    loop {
        let next = match transport {
            Transport::Udp => over_udp(run, target, trace, &redirects).await?,
            Transport::Tcp | Transport::Tls => over_stream(run, target, trace, transport, &redirects).await?,
        };
        let Some(alternate) = next else { return Ok(()) };
        if let Some(turn) = &mut trace.facts.turn {
            turn.alternates.push(alternate.address);
        }
        let from = trace.net().peer().unwrap_or(alternate.address);
        if let Err(failure) = redirects.follow(from, alternate) {
            return Err(trace.fail_last_stage(failure));
        }
    }
}

/// One server over UDP; the server it refers to, where it does.
async fn over_udp(
    run: &Run,
    target: &Target,
    trace: &mut Trace<Facts>,
    redirects: &Redirects,
) -> Result<Option<Alternate>, Stopped> {
    let (addresses, port) = match redirects.next() {
        Some(alternate) => (vec![alternate.address.ip()], alternate.address.port()),
        None => (trace.addresses(target).await?, target.port()),
    };
    let net = trace.diagnosis();
    let bound = reach::bound(&net);
    let found = Cell::new(None);
    let work = reach::race(&net, &addresses, port, |address: IpAddr| {
        let (net, found) = (net.clone(), &found);
        async move {
            let mut wire = net.udp(address, port).await?;
            let to = SocketAddr::new(address, port);
            let reply = stray::beside(&net, to, bound, found, allocate(&mut wire, bound)).await;
            let reply = reply.map_err(|failure| redirects.name(failure))?;
            Ok((wire, reply))
        }
    });
    let layer = Transport::Udp.layer();
    let answered =
        trace.stage_within(layer, reach::outer(&net), run.controls.beside(&net, Box::pin(work))).await;
    if answered.is_err() && found.get().is_some() {
        facts(trace, Transport::Udp).answered_from = found.get();
    }
    let (wire, reply) = answered?;
    reach::record_path(&net, &wire);
    let (to, challenge) = (wire.peer(), challenge(&reply));
    let next = proceed(run, target, trace, Transport::Udp, wire, reply).await?;
    let (None, Some(challenge), true) = (&next, challenge, run.media.is_some()) else { return Ok(next) };
    let open = async || net.detached().udp(to.ip(), to.port()).await;
    trace.facts.dscp = run.marks.and_then(Marks::one);
    let wires = async { Ok([open().await?, open().await?]) };
    relay_media::check(run, target, trace, Transport::Udp, &challenge, wires).await.map(|()| None)
}

fn challenge(reply: &Reply<FirstAnswer>) -> Option<Challenge> {
    match &reply.value {
        FirstAnswer::Challenge(challenge) => Some(challenge.clone()),
        FirstAnswer::Granted(_) | FirstAnswer::Declined(_) => None,
    }
}

/// The same over TCP or TLS.
async fn over_stream(
    run: &Run,
    target: &Target,
    trace: &mut Trace<Facts>,
    transport: Transport,
    redirects: &Redirects,
) -> Result<Option<Alternate>, Stopped> {
    let alternate = redirects.next();
    let elsewhere = alternate.map(|alternate| alternate.address);
    let net = trace.net();
    let mut stream = match elsewhere {
        Some(_) => trace.stage(Layer::TCP, connect(&net, target, elsewhere)).await?,
        None => trace.reach(target).await?,
    };
    let domain = alternate.and_then(|alternate| Host::parse(alternate.domain.as_deref()?).ok());
    let host = domain.unwrap_or_else(|| target.host.clone());
    if transport == Transport::Tls {
        let again = async || connect(&net, target, elsewhere).await;
        let secured = trace.stage(Layer::TLS, secure(&net, stream, &host, again)).await?;
        let Secured { stream: inside, alpn_refused } = secured;
        stream = inside;
        if alpn_refused {
            trace.facts.note = Some(WITHOUT_ALPN.to_owned());
        }
    }
    let mut wire = Framed::new(stream, transport.layer());
    let (bound, outer) = (reach::bound(&net), reach::outer(&net));
    let work = async { allocate(&mut wire, bound).await.map_err(|failure| redirects.name(failure)) };
    let reply = trace.stage_within(transport.layer(), outer, Box::pin(work)).await?;
    let challenge = challenge(&reply);
    let next = proceed(run, target, trace, transport, wire, reply).await?;
    let (None, Some(challenge), true) = (&next, challenge, run.media.is_some()) else { return Ok(next) };
    let open = async || {
        let stream = connect(&net, target, elsewhere).await?;
        let again = async || connect(&net, target, elsewhere).await;
        let stream = match transport {
            Transport::Tls => secure(&net, stream, &host, again).await?.stream,
            Transport::Udp | Transport::Tcp => stream,
        };
        Ok(Framed::new(stream, transport.layer()))
    };
    let wires = async { Ok([open().await?, open().await?]) };
    relay_media::check(run, target, trace, transport, &challenge, wires).await.map(|()| None)
}

/// Connects to another server, or to the address of this one that was connected to before; through the proxy of the
/// target where it has one.
async fn connect(net: &Net, target: &Target, elsewhere: Option<SocketAddr>) -> Result<Stream, Failure> {
    match (net.proxy_for(target), elsewhere.or_else(|| net.peer())) {
        (Some(proxy), _) => {
            let host = elsewhere.map_or_else(|| target.host.clone(), |to| Host::Address(to.ip()));
            let port = elsewhere.map_or_else(|| target.port(), |to| to.port());
            net.through(&proxy, &host, port).await
        }
        (None, Some(to)) => net.connect(&[to.ip()], to.port()).await,
        (None, None) => Err(reach::no_address_left()),
    }
}

fn facts(trace: &mut Trace<Facts>, transport: Transport) -> &mut TurnFacts {
    let turn = trace.facts.turn.get_or_insert_default();
    turn.transport = transport.as_str();
    turn
}

/// After the first answer: a challenge is success, unless there are credentials to answer it with.
async fn proceed<W: Wire>(
    run: &Run,
    target: &Target,
    trace: &mut Trace<Facts>,
    transport: Transport,
    wire: W,
    reply: Reply<FirstAnswer>,
) -> Result<Option<Alternate>, Stopped> {
    let turn = facts(trace, transport);
    turn.round_trip_us = reply.micros();
    match reply.value {
        FirstAnswer::Challenge(challenge) => {
            turn.realm = Some(escape::bytes(&challenge.realm, 120));
            turn.software.clone_from(&challenge.software);
            if run.credentials.is_none() {
                return Ok(None);
            }
            relayed(run, target, trace, transport, wire, &challenge).await
        }
        FirstAnswer::Granted(granted) => {
            turn.open = true;
            turn.relayed = granted.relayed;
            turn.mapped = granted.mapped;
            turn.software = granted.software;
            Ok(None)
        }
        FirstAnswer::Declined(refusal) => refused(trace, refusal),
    }
}

/// An error response: another server to ask, or the end.
fn refused(trace: &mut Trace<Facts>, refusal: Refusal) -> Result<Option<Alternate>, Stopped> {
    let failure = refusal.failure();
    if let Some(turn) = &mut trace.facts.turn {
        turn.error = refusal.number.filter(|_| refusal.alternate.is_none());
    }
    refusal.alternate.map(Some).ok_or_else(|| trace.fail_last_stage(failure))
}

/// The stage `relay`: an allocation with credentials, and an echo through it.
async fn relayed<W: Wire>(
    run: &Run,
    target: &Target,
    trace: &mut Trace<Facts>,
    transport: Transport,
    mut wire: W,
    challenge: &Challenge,
) -> Result<Option<Alternate>, Stopped> {
    let Some(credentials) = &run.credentials else { return Ok(None) };
    let net = trace.net();
    let plan = run.series.or(relay::ECHOES).plan(&net);
    let layer = Layer { name: "relay", ..transport.layer() };
    let dscp = run.marks.map(|marks| marks.audio).filter(|_| run.series.count.is_some());
    if run.series.count.is_some() {
        net.keep_measurement();
    }
    let work = relay::echo_through(&mut wire, &net, credentials, challenge, plan, dscp, reach::bound(&net));
    // Every wait inside has its own bound, so that the release is never cut off.
    let relayed = match trace.stage_within(layer, net.left(), Box::pin(work)).await? {
        Ok(relayed) => relayed,
        Err(refusal) => return refused(trace, refusal),
    };
    relayed.note(facts(trace, transport));
    match &relayed.echo {
        Echo::Declined(refusal) => {
            let failure = refusal.failure();
            return Err(trace.fail_last_stage(failure));
        }
        // Only a measurement that was asked for needs echoes: a server need not relay to its own addresses.
        Echo::Silent if run.series.count.is_some() => {
            trace.degrade(relay::silence(), Some(relay::silence_cause(target)));
        }
        Echo::Silent => trace.facts.note = Some(relay::SILENT.to_owned()),
        Echo::Measured | Echo::Forbidden => {}
    }
    if let Some(quality) = relayed.quality {
        if run.series.count.is_some()
            && let Some((failure, cause)) = quality.fault(&run.bounds, target)
        {
            trace.degrade(failure, Some(cause));
        }
        trace.facts.quality = Some(quality);
    }
    Ok(None)
}
