//! A connection that is not made: does the port matter, or the address?

use std::net::{IpAddr, SocketAddr};

use futures_util::future::join_all;

use super::{Allowance, Filter, Outcome, Pair};
use crate::Diagnosis;
use crate::trail::{self, Probe};

/// Ports that most services have open.
const SIBLINGS: [u16; 4] = [443, 80, 8443, 22];
/// How often each is asked, and how many other addresses are.
const TIMES: usize = 2;
const ADDRESSES: usize = 3;

pub(super) async fn identify(net: &Diagnosis, to: SocketAddr, addresses: &[IpAddr]) -> Filter {
    let allowance = Allowance::default();
    let ask = async |to: SocketAddr| {
        let one = async || {
            if !allowance.take() {
                return false;
            }
            matches!(trail::answer(net, to, net.timeout().mul_f64(0.4)).await, Probe::Answered(_))
        };
        Outcome::of(&join_all((0..TIMES).map(|_| one())).await)
    };
    let mut pairs = Vec::new();
    if ask(to).await != Outcome::Lost {
        return Filter::unknown(pairs);
    }
    let mut compare = async |change: String, other: SocketAddr| {
        let outcome = ask(other).await;
        pairs.push(Pair { change, first: "lost", second: outcome.as_str() });
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
                "It matches the address: nothing to {} is answered, TCP {} to {} is.",
                to.ip(),
                other.port(),
                other.ip()
            );
            return Filter::new("address", Some(to.ip().to_string()), pairs, rule);
        }
    }
    Filter::unknown(pairs)
}
