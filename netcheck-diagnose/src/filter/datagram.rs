//! Datagrams that are not answered: by their port, by their address, or UDP as such?

use std::net::{IpAddr, SocketAddr};

use super::{Filter, Outcome, Pair};
use crate::Diagnosis;
use crate::boundary::{self, Boundary};
use crate::trail::{CONTROL_PORT, Trail};
use netcheck_record::cause::Confidence;

/// How many other addresses of the name are tried.
const ADDRESSES: usize = 2;

/// What a filter of UDP matches: the port or the address, by how far datagrams get.
pub(super) async fn identify(to: SocketAddr, addresses: &[IpAddr], net: &Diagnosis) -> Filter {
    let mut pairs = Vec::new();
    let control = SocketAddr::new(to.ip(), CONTROL_PORT);
    let (own, other) = tokio::join!(net.datagram_trail(to), net.datagram_trail(control));
    if own.answered.is_some() || !own.walked || !other.walked {
        return Filter::unknown(pairs);
    }
    if is_farther(&mut pairs, format!("UDP {CONTROL_PORT} of the same address"), &own, &other) {
        return by_port(to, control, &own, &other, pairs, net).await;
    }
    let others = addresses.iter().filter(|other| **other != to.ip() && other.is_ipv4() == to.is_ipv4());
    for address in others.take(ADDRESSES) {
        let elsewhere = net.datagram_trail(SocketAddr::new(*address, to.port())).await;
        let change = format!("UDP {} of {address}", to.port());
        let farther = is_farther(&mut pairs, change, &own, &elsewhere);
        // Of two addresses one may simply be nearer: only the service's own answer counts.
        if farther && elsewhere.answered.is_some() {
            let rule = format!(
                "It matches the address: no datagram to {} is answered, those to UDP {} of {address} are.",
                to.ip(),
                to.port()
            );
            return Filter::new("address", Some(to.ip().to_string()), pairs, rule);
        }
    }
    by_protocol(to, &own, pairs, net).await
}

/// How far a trail got; an answer from the address itself is farther than any hop before it.
fn reach(trail: &Trail) -> u8 {
    let last = trail.last().map_or(0, |(hop, _)| hop);
    trail.answered.map_or(last, |(ttl, _)| ttl.max(last + 1))
}

/// Keeps the pair, and says whether the other one got farther.
fn is_farther(pairs: &mut Vec<Pair>, change: String, own: &Trail, other: &Trail) -> bool {
    let farther = reach(other) > reach(own);
    let second = if farther { Outcome::Answered } else { Outcome::Lost };
    let change = format!("{change}: as far as hop {}, the own as far as hop {}", reach(other), reach(own));
    pairs.push(Pair::new(change, second));
    farther
}

async fn by_port(
    to: SocketAddr,
    control: SocketAddr,
    own: &Trail,
    other: &Trail,
    pairs: Vec<Pair>,
    net: &Diagnosis,
) -> Filter {
    let last = own.last().map_or(0, |(hop, _)| hop);
    let sure = match other.hops.iter().map(|(hop, _)| *hop).find(|hop| *hop > last) {
        // Only the address itself is farther: its service may as well be silent of its own accord.
        None => Confidence::Low,
        Some(hop) => match boundary::of_datagrams(net, to, control, hop).await {
            Boundary::Confirmed(..) => Confidence::High,
            Boundary::NotHere(..) | Boundary::Inconclusive => return Filter::unknown(pairs),
        },
    };
    let rule = format!(
        "It matches the port: datagrams to UDP {} of {} are dropped where those to UDP {CONTROL_PORT} pass.",
        to.port(),
        to.ip()
    );
    Filter { confidence: sure, ..Filter::new("port", Some(to.port().to_string()), pairs, rule) }
}

/// TCP to the same address gets farther than any of its datagrams.
async fn by_protocol(to: SocketAddr, own: &Trail, mut pairs: Vec<Pair>, net: &Diagnosis) -> Filter {
    let Some(port) = net.sibling(SocketAddr::new(to.ip(), 0)).await else { return Filter::unknown(pairs) };
    let stream = net.trail(SocketAddr::new(to.ip(), port)).await;
    if !is_farther(&mut pairs, format!("TCP {port} of the same address"), own, &stream) {
        return Filter::unknown(pairs);
    }
    let rule = format!(
        "It matches UDP: no datagram to {} gets through, on UDP {} or {CONTROL_PORT}; TCP {port} does.",
        to.ip(),
        to.port()
    );
    Filter::new("udp", None, pairs, rule)
}
