//! Where packets for a silent port stop and those for an open port of the same address go on, asked until it is certain.
//!
//! A hop that stays silent once proves nothing: routers say "time exceeded" only so often (Linux: to each destination six
//! times at once, then once a second), and a path may have several ways. So both ports are asked in turn, several times.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;

use super::outside;
use super::trail::{self, Probe};
use crate::Diagnosis;
use crate::patience::Question;
use netcheck_net::clock;

/// How often both are asked, and how many packets of the silent port must have been in vain each time.
const ROUNDS: u8 = 4;
const TWICE: usize = 2;

/// Where one port's packets stop, held against another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// Every time they stopped short of this hop, where the other packets went on.
    Confirmed(u8, IpAddr),
    /// They are seen at this hop after all.
    NotHere(u8, IpAddr),
    /// The answers do not tell.
    Inconclusive,
}

/// Looks for it at the first hop that shows packets to another port of the address and not those to the silent one; at
/// the very first one, where no port answers, that shows SYNs to another destination, or datagrams.
pub(super) async fn find(net: &Diagnosis, to: SocketAddr) -> Boundary {
    let (own, sibling) = tokio::join!(net.trail(to), net.answering_sibling(to));
    let last = own.last().map_or(0, |(hop, _)| hop);
    let control = sibling.map(|(port, _)| SocketAddr::new(to.ip(), port));
    let hop = match control {
        Some(control) => net.trail(control).await.hops.iter().map(|(hop, _)| *hop).find(|hop| *hop > last),
        None => (last == 0).then_some(1),
    };
    let Some(hop) = hop.filter(|_| own.walked && !own.blind && own.answered.is_none()) else {
        return Boundary::Inconclusive;
    };
    let other = || async {
        match control {
            Some(control) => trail::probe(net, control, hop, Question::Hop.patience(net)).await.hop(),
            None => first_hop_elsewhere(net, to).await,
        }
    };
    compare(net, hop, other, |patience| trail::probe(net, to, hop, patience)).await
}

/// The first hop as a SYN to a destination that has nothing to do with `to` shows it, or a datagram to the same address.
async fn first_hop_elsewhere(net: &Diagnosis, to: SocketAddr) -> Option<IpAddr> {
    let elsewhere = SocketAddr::new(outside::destinations(to.is_ipv6())[0], outside::WEB);
    let (syn, datagram) = tokio::join!(
        trail::probe(net, elsewhere, 1, Question::Hop.patience(net)),
        trail::router(net, to.ip(), 1)
    );
    syn.hop().or(datagram)
}

/// The same of datagrams for a silent port and for a control, at a hop that showed only the control's.
pub(super) async fn of_datagrams(net: &Diagnosis, to: SocketAddr, control: SocketAddr, hop: u8) -> Boundary {
    let other = || async {
        trail::datagram(net, control, hop, Question::Hop.patience(net), &[&trail::BINDING]).await.hop()
    };
    compare(net, hop, other, |patience| trail::datagram(net, to, hop, patience, &[&trail::BINDING])).await
}

async fn compare<O, P>(
    net: &Diagnosis,
    hop: u8,
    other: impl Fn() -> O,
    own: impl Fn(Duration) -> P,
) -> Boundary
where
    O: Future<Output = Option<IpAddr>>,
    P: Future<Output = Probe>,
{
    let mut router = None;
    for _ in 0..ROUNDS {
        let begun = clock::now();
        router = other().await;
        if router.is_none() {
            return Boundary::Inconclusive;
        }
        let patience = (begun.elapsed() * 3).max(Duration::from_millis(30)).min(Question::Hop.patience(net));
        for probe in join_all([(); TWICE].map(|()| own(patience))).await {
            match probe {
                Probe::Silent => {}
                Probe::Hop(seen) => return Boundary::NotHere(hop, seen),
                Probe::Answered(_) | Probe::Blind => return Boundary::Inconclusive,
            }
        }
    }
    router.map_or(Boundary::Inconclusive, |router| Boundary::Confirmed(hop, router))
}
