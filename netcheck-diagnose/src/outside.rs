//! Whether anything beyond the first hop answers, towards destinations that have nothing to do with the target.
//!
//! Each packet dies of its TTL long before it gets there: nobody but routers sees it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use futures_util::future::join_all;

use crate::Diagnosis;
use crate::experiment::Experiment;
use crate::patience::Question;
use crate::trail::{self, Probe};
use netcheck_net::device;
use netcheck_os::Sense;

/// Two universities on two continents: no network is within [`FARTHEST`] hops of both.
const FAR_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(128, 9, 0, 107), Ipv4Addr::new(133, 11, 0, 1)];
const FAR_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0x2607, 0xf010, 0, 0, 0, 0, 0, 1), Ipv6Addr::new(0x2001, 0x200, 0, 0, 0, 0, 0, 1)];
/// How many hops the packets travel.
pub(super) const FARTHEST: u8 = 5;
/// The port that most networks let pass.
pub(super) const WEB: u16 = 443;

/// What came back towards independent destinations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outside {
    /// The first hop, where it said that packets died there.
    pub first_hop: Option<IpAddr>,
    /// Whether anything came back that the first hop did not send.
    pub answers: bool,
    /// Whether this system does not tell all of it: that nothing came back means nothing.
    pub blind: bool,
}

/// The addresses that are asked.
pub(super) fn destinations(v6: bool) -> [IpAddr; 2] {
    if v6 { FAR_V6.map(IpAddr::V6) } else { FAR_V4.map(IpAddr::V4) }
}

/// Asks towards both destinations with SYNs and datagrams, all at once.
pub(super) async fn ask(net: &Diagnosis, v6: bool) -> Outside {
    let each = destinations(v6).into_iter().flat_map(|to| (1..=FARTHEST).map(move |ttl| (to, ttl)));
    let answers = join_all(each.map(|(to, ttl)| async move {
        let syn = trail::probe(net, SocketAddr::new(to, WEB), ttl, Question::Hop.patience(net));
        let (syn, datagram) = tokio::join!(syn, trail::router(net, to, ttl));
        (ttl, syn, datagram.filter(|router| !device::is_ours(*router)))
    }))
    .await;
    let hop = |(ttl, syn, datagram): &(u8, Probe, Option<IpAddr>)| match syn {
        Probe::Hop(router) => [Some((*ttl, *router)), datagram.map(|router| (*ttl, router))],
        Probe::Answered(_) | Probe::Silent | Probe::Blind => [None, datagram.map(|router| (*ttl, router))],
    };
    let hops: Vec<(u8, IpAddr)> = answers.iter().flat_map(hop).flatten().collect();
    let first: Vec<IpAddr> = hops.iter().filter(|(ttl, _)| *ttl == 1).map(|(_, hop)| *hop).collect();
    // A device that accepts a SYN which may travel one hop only answers all others as well.
    let taken = answers.iter().any(|(ttl, syn, _)| *ttl == 1 && matches!(syn, Probe::Answered(_)));
    let answered = answers.iter().any(|(ttl, syn, _)| *ttl > 1 && matches!(syn, Probe::Answered(_)));
    Outside {
        first_hop: first.first().copied(),
        blind: Sense::TcpIcmp.is_blind() || Sense::UdpIcmp.is_blind(),
        answers: hops.iter().any(|(ttl, hop)| *ttl > 1 && !first.contains(hop)) || (answered && !taken),
    }
}

impl Diagnosis {
    /// Whether anything beyond the first hop answers towards two independent destinations, or the resolver does.
    pub async fn outside(&self, v6: bool) -> Outside {
        self.note_asked(Experiment::Outside);
        let asked = || async {
            let (outside, resolver) = tokio::join!(ask(self, v6), self.resolver_lies_farther());
            Outside { answers: outside.answers || resolver, ..outside }
        };
        self.experiments.outside.get("does anything beyond the first hop answer", v6, asked).await
    }

    /// Whether the resolver is reached through more than the first hop.
    async fn resolver_lies_farther(&self) -> bool {
        let server = self.resolver().servers().into_iter().find(|server| !server.ip().is_loopback());
        let Some(server) = server.filter(|server| !device::is_on_link(server.ip())) else { return false };
        let trail = self.datagram_trail(server).await;
        trail.hops.iter().any(|(hop, _)| *hop > 1) || trail.answered.is_some_and(|(ttl, _)| ttl > 1)
    }

    /// Whether this machine is cut off: the first hop answers, and nothing beyond it towards any of several destinations.
    pub async fn cut_off(&self, v6: bool) -> Option<IpAddr> {
        let outside = self.outside(v6).await;
        // A firewall that permits a list drops what goes elsewhere, probes included: what the run reached disproves it.
        outside.first_hop.filter(|_| !outside.answers && !outside.blind && !self.experiments.reached_beyond())
    }
}
