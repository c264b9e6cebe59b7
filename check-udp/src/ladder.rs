//! The media ladder: which transport would carry a conference from here, tried all at once on one TURN server.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use netcheck_common::clock::{now, within};
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::net::Net;
use netcheck_common::target::Target;
use netcheck_common::trace::{Stopped, Trace};

use crate::allocate::{FirstAnswer, allocate};
use crate::facts::{Facts, RungFacts};
use crate::quality::micros;
use crate::reach;
use crate::run::Run;
use crate::secure::secure;
use crate::transport::{Rung, Transport};
use crate::wire::{Framed, Wire};

/// All rungs together.
const LADDER: Layer = Layer::new("ladder", Code::UdpTimeout, Code::UdpRefused, Code::StunMalformed);

/// Tries every rung. The first failure of a better rung than the one that works, or the first of all, is explained by the
/// same rules as that of a target of its own (explain.rs).
pub async fn check(run: &Run, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
    let addresses = trace.addresses(target).await?;
    let net = trace.diagnosis();
    let bound = reach::bound(&net);
    let rungs = run.ladder.iter().map(|rung| try_rung(&net, *rung, &addresses, target, bound));
    let climb = run.controls.beside(&net, Box::pin(join_all(rungs).map(Ok)));
    let results: Vec<RungFacts> = trace.stage_within(LADDER, reach::outer(&net), climb).await?;
    let best = results.iter().find(|rung| rung.ok);
    let over_udp = best.and_then(|rung| rung.tried).is_some_and(|(rung, _)| rung.transport == Transport::Udp);
    let failure = results.iter().find_map(|rung| rung.observed.clone());
    let works = best.map(|rung| rung.transport.clone());
    trace.facts.best_transport.clone_from(&works);
    trace.facts.ladder = results;
    match (works, failure) {
        (None, failure) => Err(trace.fail_last_stage(failure.unwrap_or_else(reach::no_address_left))),
        (Some(_), Some(failure)) if !over_udp => {
            trace.degrade(failure, None);
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn try_rung(
    net: &Net,
    rung: Rung,
    addresses: &[IpAddr],
    target: &Target,
    bound: Duration,
) -> RungFacts {
    let begun = now();
    // The path of the record is that of UDP, not of whichever rung came last.
    let detached = net.detached();
    let connect = async || detached.connect(addresses, rung.port).await;
    let work = async {
        match rung.transport {
            Transport::Udp => {
                reach::race(net, addresses, rung.port, |address| async move {
                    challenged(net.udp(address, rung.port).await?, bound).await
                })
                .await
            }
            Transport::Tcp => challenged(Framed::new(connect().await?, rung.transport.layer()), bound).await,
            Transport::Tls => {
                let secured = secure(&detached, connect().await?, &target.host, connect).await?;
                challenged(Framed::new(secured.stream, rung.transport.layer()), bound).await
            }
        }
    };
    let silence = || Failure::new(rung.transport.layer().timeout, "no answer in time");
    let failure = within(bound, work).await.unwrap_or_else(|| Err(silence())).err();
    let first = reach::first(net, addresses).map(|address| SocketAddr::new(address, rung.port));
    RungFacts {
        transport: rung.to_string(),
        ok: failure.is_none(),
        us: micros(begun.elapsed()),
        failure: failure.as_ref().map(|failure| failure.code),
        detail: failure.as_ref().map(|failure| failure.detail.clone()),
        tried: detached.peer().or(first).map(|at| (rung, at)),
        observed: failure,
    }
}

/// A challenge is as good as an allocation; so is a reference to another server.
async fn challenged<W: Wire>(mut wire: W, bound: Duration) -> Result<(), Failure> {
    match allocate(&mut wire, bound.mul_f64(0.9)).await?.value {
        FirstAnswer::Challenge(_) | FirstAnswer::Granted(_) => Ok(()),
        FirstAnswer::Declined(refusal) if refusal.alternate.is_some() => Ok(()),
        FirstAnswer::Declined(refusal) => Err(refusal.failure()),
    }
}
