//! The hops towards a port, without privileges: SYNs with a rising TTL, each router's ICMP read from the error queue.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;

use crate::Diagnosis;
use crate::patience::Question;
use netcheck_net::clock;
use netcheck_net::device;
use netcheck_net::icmp::Meaning;
use netcheck_net::tcp::{self, ProbeOptions};
use netcheck_os::echo::{self, Reply};
use netcheck_os::{Sense, Sight};
use netcheck_record::failure::Code;

/// How many TTLs are tried at once, and how many such steps in a row may stay silent.
const STEP: u8 = 4;
const SILENT_STEPS: u8 = 2;
/// The classic traceroute port, where nothing listens: the control for a port that stays silent.
pub(crate) const CONTROL_PORT: u16 = 33434;
/// A STUN binding request, which media servers answer.
pub(super) const BINDING: [u8; 20] =
    [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 110, 101, 116, 99, 104, 101, 99, 107, 45, 104, 111, 112];
/// No path in use is longer.
const LONGEST: u8 = 32;

/// How a SYN was answered by whoever holds the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// SYN-ACK.
    Open,
    /// RST, or ICMP other than time exceeded.
    Refused,
}

/// The hops that answered, and the first TTL at which the port itself did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// Routers by their distance.
    pub hops: Vec<(u8, IpAddr)>,
    /// The smallest TTL that was enough, and what came.
    pub answered: Option<(u8, Answer)>,
    /// Whether it was walked at all: a run traces a bounded number of paths.
    pub walked: bool,
    /// Whether this system does not tell of the routers: that none is listed means nothing.
    pub blind: bool,
    /// How far echo requests to the address get, where the system tells of nothing else.
    pub echo: Option<Echoes>,
}

/// How far ICMP echo requests get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Echoes {
    /// The last router that answered, and its distance.
    pub last: Option<(u8, IpAddr)>,
    /// Whether the address itself answered.
    pub arrive: bool,
}

impl Trail {
    /// The last router that answered.
    #[must_use]
    pub fn last(&self) -> Option<(u8, IpAddr)> {
        self.hops.last().copied()
    }

    /// The router at this distance.
    #[must_use]
    pub fn at(&self, ttl: u8) -> Option<IpAddr> {
        self.hops.iter().find(|(hop, _)| *hop == ttl).map(|(_, address)| *address)
    }
}

/// What one packet with a limited TTL drew.
pub(super) enum Probe {
    /// A router's "time exceeded".
    Hop(IpAddr),
    /// The port's own answer.
    Answered(Answer),
    /// Nothing, in time.
    Silent,
    /// This system does not tell what came, if anything did.
    Blind,
}

impl Probe {
    /// The router that said "time exceeded".
    pub(super) fn hop(self) -> Option<IpAddr> {
        match self {
            Probe::Hop(router) => Some(router),
            Probe::Answered(_) | Probe::Silent | Probe::Blind => None,
        }
    }
}

/// Walks the path of SYNs.
pub(super) async fn trace(net: &Diagnosis, to: SocketAddr) -> Trail {
    let wait = Question::Hop.patience(net);
    let mut trail = walk(wait, |ttl, wait| probe(net, to, ttl, wait)).await;
    if trail.blind && trail.answered.is_none() && echo::is_told() {
        trail.echo = Some(trace_echoes(to.ip(), wait).await);
    }
    trail
}

/// Walks the path of echo requests. The system sends them on threads of its own.
async fn trace_echoes(to: IpAddr, wait: Duration) -> Echoes {
    let ask = |ttl, wait| async move {
        match tokio::task::spawn_blocking(move || echo::ask(to, ttl, wait)).await {
            Ok(Sight::Seen(Reply::Answered)) => Probe::Answered(Answer::Open),
            Ok(Sight::Seen(Reply::Expired(router))) if !device::is_ours(router) => Probe::Hop(router),
            _ => Probe::Silent,
        }
    };
    let trail = walk(wait, ask).await;
    Echoes { last: trail.last(), arrive: trail.answered.is_some() }
}

/// Walks the path of datagrams.
pub(super) async fn trace_datagrams(net: &Diagnosis, to: SocketAddr) -> Trail {
    walk(Question::Hop.patience(net), |ttl, wait| datagram(net, to, ttl, wait, &[&BINDING])).await
}

/// Walks the path of datagrams of this content.
pub(super) async fn trace_content(net: &Diagnosis, to: SocketAddr, content: &[u8]) -> Trail {
    walk(
        Question::Hop.patience(net),
        |ttl, wait| async move { datagram(net, to, ttl, wait, &[content]).await },
    )
    .await
}

async fn walk<F: Future<Output = Probe>>(wait: Duration, probe: impl Fn(u8, Duration) -> F) -> Trail {
    let mut trail = Trail { walked: true, ..Trail::default() };
    let (mut first, mut silent) = (1u8, 0u8);
    while first < LONGEST && silent < SILENT_STEPS {
        let ttls: Vec<u8> = (first..first + STEP).collect();
        let probes = join_all(ttls.iter().map(|ttl| probe(*ttl, wait))).await;
        silent += 1;
        for (ttl, probe) in ttls.iter().zip(probes) {
            match probe {
                Probe::Hop(address) => {
                    trail.hops.push((*ttl, address));
                    silent = 0;
                }
                Probe::Answered(answer) => {
                    trail.answered = Some((*ttl, answer));
                    return trail;
                }
                Probe::Silent => {}
                Probe::Blind => trail.blind = true,
            }
        }
        first += STEP;
    }
    trail
}

/// The last of these hops that says that datagrams of this content die there. Each is sent twice: what a router limits or
/// loses once must not look like a filter.
pub(super) async fn last_hop(
    net: &Diagnosis,
    to: SocketAddr,
    content: &[&[u8]],
    hops: &[u8],
) -> Option<(u8, IpAddr)> {
    let wait = Question::Hop.patience(net);
    let one = |ttl: u8| async move {
        match datagram(net, to, ttl, wait, content).await {
            Probe::Hop(address) => Some((ttl, address)),
            _ => None,
        }
    };
    join_all(hops.iter().flat_map(|ttl| [*ttl; 2]).map(one)).await.into_iter().flatten().max()
}

/// Datagrams that die after `ttl` hops, one after the other from one port.
pub(super) async fn datagram(
    net: &Diagnosis,
    to: SocketAddr,
    ttl: u8,
    wait: Duration,
    content: &[&[u8]],
) -> Probe {
    let Ok(socket) = netcheck_net::udp::Socket::open(net.egress(), to) else { return Probe::Silent };
    let mut buffer = [0u8; 512];
    let exchange = async {
        for one in content {
            socket.send(one).await.map_err(|_| Sight::Nothing)?;
        }
        socket.recv_or_icmp(&mut buffer).await
    };
    if socket.set_ttl(ttl).is_err() {
        return Probe::Silent;
    }
    match clock::within(wait, exchange).await {
        Some(Ok(_)) => Probe::Answered(Answer::Open),
        _ if Sense::UdpIcmp.is_blind() => Probe::Blind,
        None => Probe::Silent,
        Some(Err(icmp)) => {
            match icmp.seen().and_then(|icmp| icmp.sender.map(|sender| (icmp.meaning(), sender))) {
                Some((_, sender)) if sender == to.ip() => Probe::Answered(Answer::Refused),
                Some((Meaning::TimeExceeded, sender)) if !device::is_ours(sender) => Probe::Hop(sender),
                _ => Probe::Silent,
            }
        }
    }
}

/// One SYN that dies after `ttl` hops.
pub(super) async fn probe(net: &Diagnosis, to: SocketAddr, ttl: u8, wait: Duration) -> Probe {
    syn(net, to, Some(ttl), wait).await
}

/// What a port answers a SYN that travels as far as it has to.
pub(super) async fn answer(net: &Diagnosis, to: SocketAddr, wait: Duration) -> Probe {
    syn(net, to, None, wait).await
}

/// The interface and address that SYNs to `to` leave from.
pub(super) async fn egress(net: &Diagnosis, to: SocketAddr) -> Option<device::Device> {
    let local = std::sync::OnceLock::new();
    let options = ProbeOptions { ttl: Some(1), ..ProbeOptions::default() };
    let attempt = tcp::attempt_noting(net.egress(), to, options, |own| {
        let _ = local.set(own);
    });
    // The address is known as soon as the SYN is out; what comes back does not matter.
    drop(clock::within(Duration::from_millis(20), attempt).await);
    device::of(local.get()?.ip())
}

async fn syn(net: &Diagnosis, to: SocketAddr, ttl: Option<u8>, wait: Duration) -> Probe {
    let options = ProbeOptions { ttl, ..ProbeOptions::default() };
    match clock::within(wait, tcp::attempt(net.egress(), to, options)).await {
        Some(Ok(_)) => Probe::Answered(Answer::Open),
        None if ttl.is_some() && Sense::TcpIcmp.is_blind() => Probe::Blind,
        None => Probe::Silent,
        Some(Err(refusal)) if refusal.icmp.is_blind() => unexplained(refusal.failure.code),
        Some(Err(refusal)) => match refusal.icmp.seen() {
            Some(icmp) if icmp.meaning() == Meaning::TimeExceeded => match icmp.sender {
                Some(sender) if !device::is_ours(sender) => Probe::Hop(sender),
                _ => Probe::Silent,
            },
            Some(icmp) if icmp.is_ours(None, to.ip()) => Probe::Silent,
            _ if matches!(refusal.failure.code, Code::RouteNone | Code::RouteDenied | Code::TcpTimeout) => {
                Probe::Silent
            }
            // A connection that is reset as soon as it is there was accepted.
            _ if refusal.failure.code == Code::TcpReset => Probe::Answered(Answer::Open),
            _ => Probe::Answered(Answer::Refused),
        },
    }
}

/// What an error means whose ICMP message, if there was one, this system does not show.
fn unexplained(code: Code) -> Probe {
    if code == Code::TcpReset {
        Probe::Answered(Answer::Open)
    } else if code == Code::TcpRefused {
        Probe::Answered(Answer::Refused)
    } else {
        // A router's "time exceeded" looks like this.
        Probe::Blind
    }
}

/// The router at this distance, asked with a datagram that no TCP rule concerns.
pub(super) async fn router(net: &Diagnosis, to: IpAddr, ttl: u8) -> Option<IpAddr> {
    // The classic traceroute port: nothing listens there.
    let socket =
        netcheck_net::udp::Socket::open(net.egress(), SocketAddr::new(to, 33434 + u16::from(ttl))).ok()?;
    socket.set_ttl(ttl).ok()?;
    let mut buffer = [0u8; 64];
    let exchange = async {
        socket.send(&[0; 12]).await.map_err(|_| Sight::Nothing)?;
        socket.recv_or_icmp(&mut buffer).await
    };
    match clock::within(Question::Hop.patience(net), exchange).await {
        Some(Err(Sight::Seen(icmp))) if icmp.meaning() == Meaning::TimeExceeded => icmp.sender,
        _ => None,
    }
}
