//! The way to a UDP service: its addresses, one of each family, and who of them answers first.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use netcheck_common::clock::pause;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::net::Net;
use netcheck_common::udp;
use socket2::{Domain, Protocol, Socket, Type};

/// How long the first family has before the second joins it, as in RFC 8305 section 5.
const HEAD_START: Duration = Duration::from_millis(250);
/// What a stage has left over to say what it saw, once its own bound has run out.
const SLACK: Duration = Duration::from_millis(200);

/// How long a stage may wait for answers: what the whole target has left, less what it takes to tell.
pub fn bound(net: &Net) -> Duration {
    net.timeout().min(net.left().saturating_sub(SLACK))
}

/// The outer bound of a stage that keeps `bound` itself, so that what it saw is not lost.
pub fn outer(net: &Net) -> Duration {
    net.timeout() + SLACK
}

/// The first address of each family, in the order given.
pub fn families(addresses: &[IpAddr]) -> impl Iterator<Item = IpAddr> {
    let first = addresses.first().copied();
    let other =
        first.and_then(|first| addresses.iter().copied().find(|other| other.is_ipv6() != first.is_ipv6()));
    first.into_iter().chain(other)
}

/// Runs `attempt` at one address of each family; the second joins after a moment of silence or when the first has
/// failed. The first success counts; of two failures the more telling one.
pub async fn race<T, F>(addresses: &[IpAddr], attempt: impl Fn(IpAddr) -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut families = families(addresses);
    let first = families.next().ok_or_else(nowhere)?;
    let Some(second) = families.next() else { return attempt(first).await };
    let first = pin!(attempt(first));
    let head_start = pin!(pause(HEAD_START));
    let first = match select(first, head_start).await {
        Either::Left((Ok(won), _)) => return Ok(won),
        Either::Left((Err(failure), _)) => {
            return attempt(second)
                .await
                .map_err(|other| worse(Some(failure), other).unwrap_or_else(nowhere));
        }
        Either::Right(((), first)) => first,
    };
    let second = pin!(attempt(second));
    let (failure, rest) = match select(first, second).await {
        Either::Left((Ok(won), _)) | Either::Right((Ok(won), _)) => return Ok(won),
        Either::Left((Err(failure), rest)) => (failure, Either::Right(rest)),
        Either::Right((Err(failure), rest)) => (failure, Either::Left(rest)),
    };
    rest.await.map_err(|other| worse(Some(failure), other).unwrap_or_else(nowhere))
}

/// The more telling of two failures: an answer more than silence, silence more than no route.
pub fn worse(known: Option<Failure>, other: Failure) -> Option<Failure> {
    let weight = |failure: &Failure| match failure.code {
        Code::RouteNone => 0,
        Code::UdpTimeout | Code::IcmpTimeout => 1,
        Code::UdpProhibited => 2,
        _ => 3,
    };
    match known {
        Some(known) if weight(&known) >= weight(&other) => Some(known),
        _ => Some(other),
    }
}

/// Writes the way of the socket that won a race into the record: the other family may have been tried since.
pub fn settle(net: &Net, winner: &udp::Socket) {
    if let Some(local) = winner.local_addr() {
        net.note_path(local, winner.peer());
    }
}

/// A UDP port that nobody has at this moment, as the system would give it; 0 where it gives none.
pub fn free_port(v6: bool) -> u16 {
    let any: IpAddr = if v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    let any = SocketAddr::new(any, 0);
    let bound = || {
        let socket = Socket::new(Domain::for_address(any), Type::DGRAM, Some(Protocol::UDP))?;
        socket.bind(&any.into())?;
        socket.local_addr()
    };
    bound().ok().and_then(|local| local.as_socket()).map_or(0, |local| local.port())
}

/// There is no address to ask.
pub fn nowhere() -> Failure {
    Failure::new(Code::DnsNoAddress, "there is no address to ask")
}
