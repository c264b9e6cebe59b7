//! A connection that is not made: does the port matter, or the address?

use std::net::{IpAddr, SocketAddr};

use super::{Allowance, Filter, Outcome, Pair};
use crate::Diagnosis;
use crate::distance;
use crate::patience::Question;
use crate::trail::{self, Answer, Probe};
use netcheck_record::cause::Confidence;
use netcheck_record::code_kind::CodeKind;
use netcheck_record::failure::Failure;

/// Ports that most services have open.
const SIBLINGS: [u16; 4] = [443, 80, 8443, 22];
/// How many other addresses are asked.
const ADDRESSES: usize = 3;

/// What a filter of TCP connections matches: the port or the address.
pub(super) async fn identify(
    net: &Diagnosis,
    to: SocketAddr,
    addresses: &[IpAddr],
    failure: &Failure,
) -> Filter {
    if failure.code.kind() == CodeKind::Refused {
        return refused(net, to).await;
    }
    let allowance = Allowance::default();
    let ask = async |to: SocketAddr| {
        let wait = Question::Port.patience(net);
        let one = async || Some(matches!(trail::answer(net, to, wait).await, Probe::Answered(_)));
        allowance.repeat(one).await
    };
    let mut pairs = Vec::new();
    if ask(to).await != Outcome::Lost {
        return Filter::unknown(pairs);
    }
    let mut compare = async |change: String, other: SocketAddr| {
        let outcome = ask(other).await;
        pairs.push(Pair::new(change, outcome));
        outcome
    };
    let mut ports_lost = 0;
    for port in SIBLINGS.into_iter().filter(|port| *port != to.port()) {
        match compare(format!("TCP {port} of the same address"), SocketAddr::new(to.ip(), port)).await {
            Outcome::Answered => {
                let rule = format!(
                    "It matches the port: TCP {} to {} is not answered, TCP {port} to the same address is.",
                    to.port(),
                    to.ip()
                );
                return Filter::new("port", Some(to.port().to_string()), pairs, rule);
            }
            Outcome::Lost => ports_lost += 1,
            Outcome::Both => {}
        }
    }
    let others = addresses.iter().filter(|other| **other != to.ip() && other.is_ipv4() == to.is_ipv4());
    for other in others.take(ADDRESSES) {
        let other = SocketAddr::new(*other, to.port());
        if compare(format!("TCP {} of {}", other.port(), other.ip()), other).await == Outcome::Answered
            && ports_lost > 0
        {
            let rule = format!(
                "It matches the address, or the host is down: nothing to {} is answered, TCP {} to {} is.",
                to.ip(),
                other.port(),
                other.ip()
            );
            let filter = Filter::new("address", Some(to.ip().to_string()), pairs, rule);
            return Filter { confidence: Confidence::Low, ..filter };
        }
    }
    Filter::unknown(pairs)
}

/// A refusal is a filter's where it comes from nearer than the answer of an open port of the same address.
async fn refused(net: &Diagnosis, to: SocketAddr) -> Filter {
    let mut pairs = Vec::new();
    for port in SIBLINGS.into_iter().filter(|port| *port != to.port()) {
        let sibling = SocketAddr::new(to.ip(), port);
        let answer = trail::answer(net, sibling, Question::Port.patience(net)).await;
        if !matches!(answer, Probe::Answered(Answer::Open)) {
            continue;
        }
        let (refusal, open) = tokio::join!(distance::of(net, to), distance::of(net, sibling));
        let (Some(refusal), Some(open)) = (refusal, open) else { break };
        let change = format!(
            "TCP {port} of the same address, answered from {} hops away; the refusal comes from {}",
            open.hops, refusal.hops
        );
        pairs.push(Pair::new(change, Outcome::Answered));
        if refusal.hops >= open.hops {
            break;
        }
        let rule = format!(
            "It matches the port: TCP {} to {} is refused from nearer than TCP {port} to the same address is answered.",
            to.port(),
            to.ip()
        );
        return Filter::new("port", Some(to.port().to_string()), pairs, rule);
    }
    Filter::unknown(pairs)
}
