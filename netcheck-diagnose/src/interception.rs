//! Whether a connection is accepted by something nearer than the service: a device on the way, or this machine itself.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::Diagnosis;
use crate::distance;
use crate::experiment::Experiment;
use crate::outside;
use crate::patience::Question;
use crate::trail::{self, Answer, Probe};
use netcheck_net::clock;
use netcheck_net::device;
use netcheck_net::peer_socket;
use netcheck_net::tcp::{self, ProbeOptions};

/// How often a place is asked for before it counts.
const ROUNDS: u8 = 4;
/// No public service is as near as this; a private one may be as near as the next router.
const SHORT: u8 = 2;
/// The least time such a SYN is given.
const LEAST: Duration = Duration::from_millis(20);

/// Who accepts connections in the service's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interceptor {
    /// A program of this machine, and what shows it.
    ThisMachine(Sign),
    /// A device so many hops from here, and the router at that distance.
    Device(u8, IpAddr),
}

/// What shows that this machine itself accepts a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The other end of the connection is a socket of this machine.
    PeerSocket,
    /// A SYN that may travel one hop is accepted behind a tunnel's interface.
    Tunnel,
}

/// Looks for it, with as many packets as that takes.
pub(super) async fn find(net: &Diagnosis, to: SocketAddr) -> Option<Interceptor> {
    if device::is_ours(to.ip()) {
        return None;
    }
    let (here, device) = tokio::join!(on_this_machine(net, to), at_a_router(net, to));
    match (here, device) {
        (Some(sign), _) => Some(Interceptor::ThisMachine(sign)),
        (None, Some((hops, router))) => Some(Interceptor::Device(hops, router)),
        (None, None) => nearer_than_the_way_out(net, to).await,
    }
}

/// The other end of a connection to `to`, if it is here.
async fn on_this_machine(net: &Diagnosis, to: SocketAddr) -> Option<Sign> {
    let bound = Question::Reach.patience(net);
    let stream = clock::within(bound, tcp::attempt(net.egress(), to, ProbeOptions::default())).await?.ok()?;
    let local = stream.local_addr().ok()?;
    if peer_socket::of(local).seen().is_some() {
        return Some(Sign::PeerSocket);
    }
    let tunnel = device::of(local.ip()).is_some_and(|device| device.tunnel);
    let open = net.trail(to).await.answered;
    (tunnel && open == Some((1, Answer::Open))).then_some(Sign::Tunnel)
}

/// The router that passes datagrams on at the distance from which a port is answered, if it is there each time.
async fn at_a_router(net: &Diagnosis, to: SocketAddr) -> Option<(u8, IpAddr)> {
    let (ttl, answer) = net.trail(to).await.answered?;
    if answer != Answer::Open {
        return None;
    }
    let mut found = net.router(to.ip(), ttl).await.filter(|router| *router != to.ip())?;
    for _ in 1..ROUNDS {
        let (port, passed) = tokio::join!(
            trail::probe(net, to, ttl, Question::Hop.patience(net)),
            trail::router(net, to.ip(), ttl)
        );
        found =
            passed.filter(|router| *router != to.ip() && matches!(port, Probe::Answered(Answer::Open)))?;
    }
    Some((ttl, found))
}

/// A device that answers for the service only what it would have passed on shows itself from the next TTL on: its
/// answer then comes from nearer than that, and from nearer than the answer of another port of the address.
async fn nearer_than_the_way_out(net: &Diagnosis, to: SocketAddr) -> Option<Interceptor> {
    let (out, answer) = net.trail(to).await.answered?;
    let near = distance::of(net, to).await.filter(|near| answer == Answer::Open && near.hops < out)?;
    let router = net.router(to.ip(), near.hops).await.filter(|router| *router != to.ip())?;
    let (port, _) = net.answering_sibling(to).await?;
    let other = SocketAddr::new(to.ip(), port);
    let far = distance::of(net, other).await.filter(|far| near.hops < far.hops)?;
    // Where both began with the same TTL, each further pair has to show the same.
    let alike = far.ttl < near.ttl;
    (!alike || distance::is_nearer(net, (to, near), other).await)
        .then_some(Interceptor::Device(near.hops, router))
}

impl Diagnosis {
    /// Who accepts connections to `to` in its place, if anybody does.
    pub async fn interceptor(&self, to: SocketAddr) -> Option<Interceptor> {
        self.note_asked(Experiment::Interceptor);
        if !self.diagnoses() {
            return None;
        }
        self.experiments.interceptors.get("does something nearer accept", to, || find(self, to)).await
    }

    /// The same for a connection from `local` that works: one SYN for each address that cannot travel as far as the service, and
    /// only if it is accepted the question who accepted it. Nothing is sent to this machine's own link. What is nearer
    /// than the service answers no later than the service did (`took`).
    pub async fn intercepted(
        &self,
        to: SocketAddr,
        local: SocketAddr,
        took: Duration,
    ) -> Option<Interceptor> {
        let address = to.ip();
        if device::is_ours(address) {
            return None;
        }
        if !self.diagnoses() {
            // The kernel's own table costs no packet.
            let here = || async { peer_socket::of(local).seen().is_some() };
            let here = self
                .experiments
                .accepted_short
                .get("is a SYN accepted that cannot arrive", address, here)
                .await;
            return here.then_some(Interceptor::ThisMachine(Sign::PeerSocket));
        }
        if device::is_on_link(address) {
            return None;
        }
        let wait = (took * 3 / 2).max(LEAST).min(Question::Hop.patience(self));
        if !self.accepted_short(to, wait).await {
            return None;
        }
        self.interceptor(to).await
    }

    /// Whether a SYN is accepted that cannot travel as far as the service.
    pub(crate) async fn accepts_short(&self, to: SocketAddr) -> bool {
        !device::is_ours(to.ip()) && self.accepted_short(to, Question::Hop.patience(self)).await
    }

    async fn accepted_short(&self, to: SocketAddr, wait: Duration) -> bool {
        self.note_asked(Experiment::AcceptedShort);
        let ask = || async {
            matches!(trail::probe(self, to, short(to.ip()), wait).await, Probe::Answered(Answer::Open))
        };
        self.experiments.accepted_short.get("is a SYN accepted that cannot arrive", to.ip(), ask).await
    }

    /// With how many hops a connection is accepted that cannot reach `elsewhere`, another address: a router that far
    /// away passes other packets for it on.
    pub(crate) async fn short_of(&self, to: SocketAddr, elsewhere: SocketAddr) -> Option<u8> {
        let (ttl, _) = self.trail(to).await.answered.filter(|(_, answer)| *answer == Answer::Open)?;
        if ttl > outside::FARTHEST {
            return None;
        }
        let router = self.router(elsewhere.ip(), ttl).await;
        router.filter(|router| *router != elsewhere.ip()).map(|_| ttl)
    }
}

/// How far a SYN travels that no service should answer.
fn short(address: IpAddr) -> u8 {
    let private = match address {
        IpAddr::V4(address) => {
            address.is_private() || (address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64)
        }
        IpAddr::V6(address) => address.is_unique_local(),
    };
    if private { 1 } else { SHORT }
}
