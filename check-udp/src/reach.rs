//! The way to a UDP service: its addresses, one of each family, and who of them answers first.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use futures_util::TryFutureExt;
use futures_util::future::{Either, select};
use netcheck_common::clock::pause;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::net::Net;
use netcheck_common::udp;
use socket2::{Domain, Protocol, Socket, Type};

/// How long the first family has before the second joins it, as in RFC 8305 section 5.
const HEAD_START: Duration = Duration::from_millis(250);
/// What a stage has left over to say what it saw, once its own bound has run out.
const SLACK: Duration = Duration::from_millis(500);

/// How long a stage may wait for answers: what the whole target has left, less the time to report.
pub fn bound(net: &Net) -> Duration {
    let left = net.left();
    net.timeout().min(left.mul_f64(0.75).max(left.saturating_sub(SLACK)))
}

/// The outer bound of a stage that keeps `bound` itself, so that what it saw is not lost.
pub fn outer(net: &Net) -> Duration {
    net.timeout() + SLACK
}

/// The first address of each family that may be used, in the order given.
fn families(net: &Net, addresses: &[IpAddr]) -> (Option<IpAddr>, Option<IpAddr>) {
    let (flags, source) = (net.flags(), net.egress().source);
    let fits = |address: &IpAddr| {
        let barred = if address.is_ipv6() { flags.ipv4 } else { flags.ipv6 };
        !barred && source.is_none_or(|source| source.is_ipv6() == address.is_ipv6())
    };
    let mut usable = addresses.iter().copied().filter(fits);
    let first = usable.next();
    (first, usable.find(|other| first.is_some_and(|first| first.is_ipv6() != other.is_ipv6())))
}

/// The address that is tried first.
pub fn first(net: &Net, addresses: &[IpAddr]) -> Option<IpAddr> {
    families(net, addresses).0
}

/// Runs `attempt` at one address of each family; the second joins after a moment of silence or when the first has
/// failed. The first success counts; of two failures the more telling one.
pub async fn race<T, F>(
    net: &Net,
    addresses: &[IpAddr],
    port: u16,
    attempt: impl Fn(IpAddr) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let attempt = |address: IpAddr| attempt(address).map_err(move |failure| (failure, address));
    let (first, second) = match families(net, addresses) {
        (Some(first), Some(second)) => (first, second),
        (first, _) => {
            return attempt(first.ok_or_else(no_address_left)?).await.map_err(|(failure, _)| failure);
        }
    };
    // On the heap: most targets have one family, and do not pay for two.
    let ended = Box::pin(async {
        let (first, head_start) = (pin!(attempt(first)), pin!(pause(HEAD_START)));
        let first = match select(first, head_start).await {
            Either::Left((Ok(won), _)) => return Ok(won),
            Either::Left((Err(lost), _)) => {
                return attempt(second).await.map_err(|other| more_informative(lost, other));
            }
            Either::Right(((), first)) => first,
        };
        let second = pin!(attempt(second));
        let (lost, rest) = match select(first, second).await {
            Either::Left((Ok(won), _)) | Either::Right((Ok(won), _)) => return Ok(won),
            Either::Left((Err(lost), rest)) => (lost, Either::Right(rest)),
            Either::Right((Err(lost), rest)) => (lost, Either::Left(rest)),
        };
        rest.await.map_err(|other| more_informative(lost, other))
    });
    ended.await.map_err(|lost| blamed(net, port, lost))
}

/// The same one after the other, for attempts that would disturb each other; a family that answers ends it.
pub async fn in_turn<T>(
    net: &Net,
    addresses: &[IpAddr],
    port: u16,
    mut attempt: impl AsyncFnMut(IpAddr) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (first, second) = families(net, addresses);
    let first = first.ok_or_else(no_address_left)?;
    let lost = match (attempt(first).await, second) {
        (Err(failure), Some(_)) if !is_answer(&failure) => (failure, first),
        (outcome, _) => return outcome,
    };
    match (second, lost) {
        (Some(second), lost) => match attempt(second).await {
            Ok(won) => Ok(won),
            Err(failure) => Err(blamed(net, port, more_informative(lost, (failure, second)))),
        },
        (None, (failure, _)) => Err(failure),
    }
}

/// Whether something answered: the service, or a device on the path.
pub fn is_answer(failure: &Failure) -> bool {
    weight(failure) >= ANSWERED
}

/// Failures that weigh this much were an answer.
const ANSWERED: u8 = 2;

/// How much a failure shows: an answer more than silence, silence more than no route.
fn weight(failure: &Failure) -> u8 {
    let silent = matches!(failure.code, Code::UdpTimeout | Code::QuicTimeout | Code::IcmpTimeout);
    match failure.code == Code::RouteNone {
        true => 0,
        false if silent => 1,
        false => ANSWERED,
    }
}

/// The more telling of two failures, with the address it belongs to.
fn more_informative(known: (Failure, IpAddr), other: (Failure, IpAddr)) -> (Failure, IpAddr) {
    let telling = |failure: &Failure| (weight(failure), failure.peer_responded);
    if telling(&known.0) >= telling(&other.0) { known } else { other }
}

/// The record is about the address whose failure it reports, though the other family was tried since.
pub fn blamed(net: &Net, port: u16, (failure, address): (Failure, IpAddr)) -> Failure {
    let to = SocketAddr::new(address, port);
    net.see(|seen| {
        seen.peer = Some(to);
        let path = seen.path.get_or_insert_default();
        path.address = Some(if port == 0 { address.to_string() } else { to.to_string() });
    });
    failure
}

/// Writes the way of the socket that won a race into the record: the other family may have been tried since.
pub fn record_path(net: &Net, winner: &udp::Socket) {
    if let Some(local) = winner.local_addr() {
        net.note_path(local, winner.peer());
    }
}

/// A UDP port that is free at this moment, chosen by the system; 0 where there is none.
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

/// No address is left to ask.
pub fn no_address_left() -> Failure {
    Failure::new(Code::RouteNone, "no address of the family asked for")
}
