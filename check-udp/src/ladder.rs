//! The media ladder: which transport would carry a conference from here, tried all at once on one TURN server.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::clock::{now, within};
use netcheck_common::diagnose::Diagnosis;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::net::Net;
use netcheck_common::target::Target;
use netcheck_common::trace::{Stopped, Trace};

use crate::allocate::{Answer, allocate};
use crate::check::Udp;
use crate::facts::{self, Facts};
use crate::quality::micros;
use crate::reach;
use crate::turn::{Transport, hello};
use crate::wire::{Framed, Wire};

/// All rungs together.
const LADDER: Layer = Layer::new("ladder", Code::UdpTimeout, Code::UdpRefused, Code::StunMalformed);

/// One transport and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    transport: Transport,
    port: u16,
}

impl FromStr for Rung {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "udp:PORT, tcp:PORT or tls:PORT".to_owned();
        let (transport, port) = text.split_once(':').ok_or_else(wrong)?;
        let transport = match transport {
            "udp" => Transport::Udp,
            "tcp" => Transport::Tcp,
            "tls" => Transport::Tls,
            _ => return Err(wrong()),
        };
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
        Ok(Rung { transport, port })
    }
}

impl std::fmt::Display for Rung {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.transport.as_str(), self.port)
    }
}

/// How one rung fared.
struct Fared {
    rung: Rung,
    us: u64,
    failure: Option<Failure>,
}

/// Climbs it.
pub async fn check(udp: &Udp, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
    let addresses = trace.addresses(target).await?;
    let net = trace.diagnosis();
    let bound = reach::bound(&net);
    let rungs = udp.ladder.iter().map(|rung| try_rung(&net, *rung, &addresses, target, bound));
    let climb = udp.controls.beside(&net, Box::pin(join_all(rungs).map(Ok)));
    let fared = trace.stage_within(LADDER, reach::outer(&net), climb).await?;
    trace.facts.ladder = fared.iter().map(Fared::fact).collect();
    let best = fared.iter().find(|fared| fared.failure.is_none());
    trace.facts.best_transport = best.map(|fared| fared.rung.to_string());
    match (best, fared.iter().find_map(|fared| fared.failure.clone())) {
        (None, failure) => {
            let failure = failure.unwrap_or_else(reach::nowhere);
            Err(trace.retract(failure))
        }
        (Some(best), Some(failure)) if best.rung.transport != Transport::Udp => {
            let cause = media_without_udp(udp, target, &net, &fared, best.rung).await;
            trace.degrade(failure, Some(cause));
            Ok(())
        }
        _ => Ok(()),
    }
}

impl Fared {
    fn fact(&self) -> facts::Rung {
        facts::Rung {
            transport: self.rung.to_string(),
            ok: self.failure.is_none(),
            us: self.us,
            failure: self.failure.as_ref().map(|failure| failure.code),
            detail: self.failure.as_ref().map(|failure| failure.detail.clone()),
        }
    }
}

async fn try_rung(net: &Net, rung: Rung, addresses: &[IpAddr], target: &Target, bound: Duration) -> Fared {
    let begun = now();
    // The path of the record is that of the name, not of whichever rung came last.
    let aside = net.aside();
    let work = async {
        match rung.transport {
            Transport::Udp => {
                reach::race(net, addresses, rung.port, |address| async move {
                    answered(net.udp(address, rung.port).await?, bound).await
                })
                .await
            }
            Transport::Tcp => {
                let stream = aside.connect(addresses, rung.port).await?;
                answered(Framed::new(stream, rung.transport.layer()), bound).await
            }
            Transport::Tls => {
                let stream = aside.connect(addresses, rung.port).await?;
                let stream = aside.handshake(stream, &hello(target)).await?.stream;
                answered(Framed::new(stream, rung.transport.layer()), bound).await
            }
        }
    };
    let silence = || Failure::new(rung.transport.layer().timeout, "no answer in time");
    let failure = within(bound, work).await.unwrap_or_else(|| Err(silence())).err();
    Fared { rung, us: micros(begun.elapsed()), failure }
}

/// A challenge is as good as an allocation.
async fn answered<W: Wire>(mut wire: W, bound: Duration) -> Result<(), Failure> {
    match allocate(&mut wire, bound.mul_f64(0.9)).await?.value {
        Answer::Challenge(_) | Answer::Granted(_) => Ok(()),
        Answer::Declined(refusal) => Err(refusal.failure()),
    }
}

/// Media works over TCP, which suffers from every loss: an administrator should know what would be better.
async fn media_without_udp(
    udp: &Udp,
    target: &Target,
    net: &Diagnosis,
    fared: &[Fared],
    best: Rung,
) -> Cause {
    let tried: Vec<String> = fared
        .iter()
        .filter(|fared| fared.rung.transport == Transport::Udp)
        .map(|fared| fared.rung.port.to_string())
        .collect();
    let fix = format!(
        "Allow UDP to {} on port {} (both ways), for audio and video.",
        target.host,
        tried.join(" or ")
    );
    let silent = fared
        .iter()
        .filter(|fared| fared.rung.transport == Transport::Udp)
        .all(|fared| fared.failure.as_ref().is_some_and(|failure| failure.code == Code::UdpTimeout));
    let controls = if net.diagnoses() { udp.controls.ask(net).await } else { Vec::new() };
    let blocked = silent && !controls.is_empty() && controls.iter().all(|control| !control.answered);
    let reason = if blocked { Reason::UdpBlocked } else { Reason::Unknown };
    let who = if blocked { Who::Network } else { Who::Unknown };
    let mut cause = Cause::new(reason, who, fix).seen(format!("the same server answers on {best}"));
    for control in &controls {
        cause = cause.seen(control.words());
    }
    if blocked { cause.sure(Confidence::High) } else { cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rung_is_a_transport_and_a_port() {
        assert_eq!("udp:443".parse(), Ok(Rung { transport: Transport::Udp, port: 443 }));
        assert_eq!("tls:443".parse::<Rung>().map(|rung| rung.to_string()), Ok("tls:443".to_owned()));
        assert!(
            "sctp:443".parse::<Rung>().is_err()
                && "udp:0".parse::<Rung>().is_err()
                && "udp".parse::<Rung>().is_err()
        );
    }
}
