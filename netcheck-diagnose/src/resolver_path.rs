//! How far packets to a silent resolver get: DNS questions, other datagrams, and connections, each by their own hops.

use std::net::{IpAddr, SocketAddr};

use futures_util::future::join_all;
use hickory_proto::rr::RecordType;

use crate::Diagnosis;
use crate::outside;
use crate::patience::Question;
use crate::trail::CONTROL_PORT;
use crate::trail::{self, Answer, Trail};
use netcheck_net::device::is_on_link;
use netcheck_net::dns::message;

/// How many hops beyond the last known one are asked.
const BEYOND: u8 = 2;

/// How far packets to a resolver get.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResolverPath {
    /// DNS questions over UDP.
    pub questions: Trail,
    /// Datagrams to a port where nothing listens.
    pub others: Trail,
    /// SYNs to the resolver's port.
    pub connections: Trail,
    /// Whether no router is between.
    pub on_link: bool,
}

/// Walks all three.
pub(crate) async fn trace(net: &Diagnosis, server: SocketAddr) -> ResolverPath {
    if server.ip().is_loopback() {
        return ResolverPath { on_link: true, ..ResolverPath::default() };
    }
    // The root's name servers: every resolver knows them, and no filter has them.
    let question = message::question("", RecordType::NS, 0x6e63, false).unwrap_or_default();
    let control = SocketAddr::new(server.ip(), CONTROL_PORT);
    let (questions, others, connections) = tokio::join!(
        trail::trace_content(net, server, &question),
        trail::trace_content(net, control, &[0; 12]),
        net.trail(server),
    );
    ResolverPath { questions, others, connections, on_link: is_on_link(server.ip()) }
}

/// A hop beyond `last` on the way to somebody else, over TCP or UDP.
pub(crate) async fn hop_beyond(net: &Diagnosis, last: u8) -> Option<IpAddr> {
    let wait = Question::Hop.patience(net);
    let probes = outside::destinations(false).into_iter().flat_map(|address| {
        (last + 1..=last + BEYOND).map(move |ttl| async move {
            let web = SocketAddr::new(address, outside::WEB);
            let dns = SocketAddr::new(address, CONTROL_PORT);
            let (syn, datagram) = tokio::join!(
                trail::probe(net, web, ttl, wait),
                trail::datagram(net, dns, ttl, wait, &[&[0; 12]])
            );
            syn.hop().or(datagram.hop())
        })
    });
    join_all(probes).await.into_iter().flatten().next()
}

impl ResolverPath {
    /// Whether this system does not tell of the routers on one of the paths.
    pub fn is_blind(&self) -> bool {
        self.questions.blind || self.others.blind || self.connections.blind
    }

    /// The last hop that DNS questions reach.
    pub fn last(&self) -> Option<(u8, IpAddr)> {
        self.questions.last()
    }

    /// What shows that packets reach the resolver itself, its port 53 included.
    pub fn reached(&self, server: SocketAddr) -> Option<String> {
        let accepts = matches!(self.connections.answered, Some((_, Answer::Open)));
        accepts.then(|| format!("{server} accepts TCP connections"))
    }

    /// What gets farther than DNS questions do.
    pub fn farther(&self, server: SocketAddr) -> Option<String> {
        if self.is_blind() {
            return None;
        }
        let own = farthest(&self.questions);
        // A host that is up and has no resolver would refuse; silence on this one port is a filter's.
        if self.others.answered.is_some() && self.connections.answered.is_none() {
            let port = server.port();
            return Some(format!(
                "{} answers datagrams for UDP {CONTROL_PORT}, and neither UDP {port} nor TCP {port}",
                server.ip()
            ));
        }
        if farthest(&self.others) > own {
            return Some(format!("datagrams for UDP {CONTROL_PORT} of the same address get farther"));
        }
        let farther = farthest(&self.connections) > own;
        farther.then(|| format!("SYNs for TCP {} of the same address get farther", server.port()))
    }

    /// The router a RST to a SYN came from, where that is nearer than the resolver; else the resolver itself.
    pub fn refuser(&self, server: SocketAddr) -> IpAddr {
        match (self.connections.answered, self.questions.answered) {
            (Some((refused, _)), Some((answered, _))) if refused < answered => {
                self.questions.at(refused).unwrap_or(server.ip())
            }
            _ => server.ip(),
        }
    }
}

/// The greatest distance, in hops, from which a router answered; 0 where none did.
pub(crate) fn farthest(trail: &Trail) -> u8 {
    trail.last().map_or(0, |(hop, _)| hop)
}
