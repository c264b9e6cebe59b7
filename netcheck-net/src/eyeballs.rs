//! Happy eyeballs (RFC 8305): both families are tried, the first connection wins, the other's result is kept.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;

use crate::clock;
use crate::tcp::Refusal;
use netcheck_os::Sight;
use netcheck_record::code_kind::CodeKind;
use netcheck_record::failure::{Code, Failure};

/// RFC 8305 section 5: how long an attempt has before the next one joins it.
const HEAD_START: Duration = Duration::from_millis(250);
/// More addresses than this are not tried for one target.
const MOST: usize = 16;

/// How one family fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// The address tried first.
    pub address: IpAddr,
    /// `None` when it connected.
    pub failure: Option<Code>,
    /// How long it took, in microseconds.
    pub us: u64,
}

impl Family {
    /// The fact under `tcp.ipv4` or `tcp.ipv6`.
    #[must_use]
    pub fn fact(&self) -> Value {
        let mut fact = Map::new();
        fact.insert("address".into(), json!(self.address));
        fact.insert("ok".into(), json!(self.failure.is_none()));
        fact.insert("us".into(), json!(self.us));
        if let Some(code) = self.failure {
            fact.insert("failure".into(), json!(code));
        }
        Value::Object(fact)
    }
}

/// The end of one attempt.
struct Ended {
    to: SocketAddr,
    us: u64,
    result: Result<TcpStream, Refusal>,
}

/// The addresses in the order they are tried: IPv6 first, then by turns (RFC 8305 section 4).
pub(crate) fn order(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let mut v6 = addresses.iter().copied().filter(IpAddr::is_ipv6);
    let mut v4 = addresses.iter().copied().filter(IpAddr::is_ipv4);
    let mut order = Vec::new();
    while order.len() < MOST {
        let (six, four) = (v6.next(), v4.next());
        if six.is_none() && four.is_none() {
            break;
        }
        order.extend(six.into_iter().chain(four));
    }
    order
}

/// The race: the winner, and how each family that ended before it fared.
pub(crate) struct Race {
    pub(crate) winner: Result<(TcpStream, SocketAddr), (Refusal, SocketAddr)>,
    pub(crate) ended: Vec<Family>,
}

/// Runs the race with `attempt`. Once an attempt was answered, though not by a connection, the silent ones have
/// until `bound`: an answer says more than the silence that would outlast it.
pub(crate) async fn race<F>(
    order: &[IpAddr],
    port: u16,
    bound: Duration,
    attempt: impl Fn(SocketAddr) -> F,
) -> Race
where
    F: Future<Output = Result<TcpStream, Refusal>>,
{
    let timed = |address: IpAddr| {
        let to = SocketAddr::new(address, port);
        let (begun, work) = (clock::now(), attempt(to));
        async move {
            let result = work.await;
            Ended { to, us: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX), result }
        }
    };
    let begun = clock::now();
    let mut waiting = order.iter();
    let mut running = FuturesUnordered::new();
    let mut ended: Vec<Family> = Vec::new();
    let mut worst: Option<(Refusal, SocketAddr)> = None;
    running.extend(waiting.next().map(|address| timed(*address)));
    loop {
        let next = if waiting.len() > 0 {
            tokio::select! {
                next = running.next() => next,
                () = clock::pause(HEAD_START) => {
                    running.extend(waiting.next().map(|address| timed(*address)));
                    continue;
                }
            }
        } else if worst.as_ref().is_some_and(|(known, _)| failure_rank(known) > SILENCE) {
            clock::within(bound.saturating_sub(begun.elapsed()), running.next()).await.flatten()
        } else {
            running.next().await
        };
        let Some(Ended { to, us, result }) = next else { break };
        let failure = result.as_ref().err().map(|refusal| refusal.failure.code);
        if !ended.iter().any(|family| family.address.is_ipv6() == to.is_ipv6()) {
            ended.push(Family { address: to.ip(), failure, us });
        }
        match result {
            Ok(stream) => return Race { winner: Ok((stream, to)), ended },
            Err(refusal) => {
                if worst.as_ref().is_none_or(|(known, _)| failure_rank(&refusal) > failure_rank(known)) {
                    worst = Some((refusal, to));
                }
                running.extend(waiting.next().map(|address| timed(*address)));
            }
        }
    }
    let nothing = || {
        let failure = Failure::new(Code::DnsNoAddress, "there is no address to connect to");
        (Refusal { failure, icmp: Sight::Nothing }, SocketAddr::new(IpAddr::from([0, 0, 0, 0]), port))
    };
    Race { winner: Err(worst.unwrap_or_else(nothing)), ended }
}

/// How much silence says.
const SILENCE: u8 = 1;

/// Which of several failures says most: an answer more than silence, silence more than no route.
fn failure_rank(refusal: &Refusal) -> u8 {
    if refusal.failure.code == Code::RouteNone {
        return 0;
    }
    let known = [(CodeKind::Timeout, SILENCE), (CodeKind::Unreachable, 2), (CodeKind::NotSent, 3)];
    known.iter().find(|(kind, _)| *kind == refusal.failure.code.kind()).map_or(4, |(_, says)| *says)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_ipv6_begins() {
        let v4 = |n| IpAddr::from([192, 0, 2, n]);
        let v6 = |n| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n]);
        assert_eq!(order(&[v4(1), v4(2), v6(1)]), [v6(1), v4(1), v4(2)]);
    }
}
