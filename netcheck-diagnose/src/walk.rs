//! Where bytes die on an open connection: the same first bytes sent with a rising TTL.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;

use crate::Diagnosis;
use crate::patience::Question;
use netcheck_net::clock;
use netcheck_net::icmp;
use netcheck_net::tcp::{self, ProbeOptions};
use netcheck_net::tcp_info::TcpInfo;
use netcheck_os::hops;

/// How many hops are looked at.
const HOPS: u8 = 12;

/// What became of the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// The farthest hop at which they died of their TTL: they got that far.
    pub died_at: Option<u8>,
    /// The smallest TTL with which a reset or a close came back.
    pub cut_at: Option<u8>,
    /// The smallest TTL with which an answer came back.
    pub answered_at: Option<u8>,
    /// Where nothing came back at all: whether the peer's TCP acknowledged the bytes. It does so before any program
    /// there has read them.
    pub acknowledged: Option<bool>,
    /// Whether this machine's own kernel refused to send the bytes: they stayed in its queue.
    pub unsent: bool,
}

enum End {
    Died,
    Cut,
    Answered,
    Silent,
}

/// Sends `payload` as the first bytes of connections to `to`, each with another TTL.
pub async fn walk(net: &Diagnosis, to: SocketAddr, payload: &[u8]) -> Walk {
    walk_after(net, to, &[], payload).await
}

/// The same after bytes that may travel as far as they like.
pub async fn walk_after(net: &Diagnosis, to: SocketAddr, before: &[u8], payload: &[u8]) -> Walk {
    let wait = Question::Hop.patience(net);
    let walking = join_all((1..=HOPS).map(|ttl| send(net, to, (before, payload), ttl, wait)));
    let (ends, (acknowledged, unsent)) = tokio::join!(walking, whole(net, to, (before, payload), wait));
    let mut walk = Walk { acknowledged, unsent, ..Walk::default() };
    for (ttl, end) in (1..=HOPS).zip(ends) {
        match end {
            End::Died => walk.died_at = Some(ttl),
            End::Cut => walk.cut_at = walk.cut_at.or(Some(ttl)),
            End::Answered => walk.answered_at = walk.answered_at.or(Some(ttl)),
            End::Silent => {}
        }
    }
    walk
}

/// Sends the bytes as far as they go: whether the peer acknowledged them, none where something came back; and whether
/// they never left this machine.
async fn whole(
    net: &Diagnosis,
    to: SocketAddr,
    (before, payload): (&[u8], &[u8]),
    wait: Duration,
) -> (Option<bool>, bool) {
    let attempt = tcp::attempt(net.egress(), to, ProbeOptions::default());
    let Some(Ok(mut stream)) = clock::within(wait, attempt).await else { return (None, false) };
    if stream.write_all(before).await.is_err() || stream.write_all(payload).await.is_err() {
        return (None, false);
    }
    let unsent = TcpInfo::read(&stream).seen().is_some_and(|info| info.unsent > 0);
    if clock::within(wait, stream.read(&mut [0; 1])).await.is_some() {
        return (None, unsent);
    }
    let info = TcpInfo::read(&stream).seen();
    abort(&stream, to);
    (info.map(|info| info.unacknowledged == 0 && info.unsent == 0), unsent)
}

async fn send(
    net: &Diagnosis,
    to: SocketAddr,
    (before, payload): (&[u8], &[u8]),
    ttl: u8,
    wait: Duration,
) -> End {
    let connected = clock::within(wait, tcp::attempt(net.egress(), to, ProbeOptions::default())).await;
    let Some(Ok(mut stream)) = connected else { return End::Silent };
    if stream.write_all(before).await.is_err() {
        return End::Silent;
    }
    icmp::listen(&stream, to.is_ipv6());
    if hops::set_limit(&stream, to.is_ipv6(), ttl).is_err() {
        return End::Silent;
    }
    let mut first = [0u8; 64];
    let exchange = async {
        stream.write_all(payload).await?;
        // An ICMP error on an open connection shows itself as an error condition alone: nothing becomes readable.
        stream.ready(Interest::READABLE | Interest::ERROR).await?;
        match stream.take_error()? {
            Some(error) => Err(error),
            None => stream.read(&mut first).await,
        }
    };
    let ended = clock::within(wait, exchange).await;
    abort(&stream, to);
    match ended {
        None => End::Silent,
        Some(Ok(0)) => End::Cut,
        Some(Ok(_)) => End::Answered,
        Some(Err(error)) => match error.kind() {
            std::io::ErrorKind::HostUnreachable | std::io::ErrorKind::NetworkUnreachable => End::Died,
            _ => End::Cut,
        },
    }
}

/// Ends the connection with a reset that reaches the peer: it would wait for the bytes that died on their way.
fn abort(stream: &TcpStream, to: SocketAddr) {
    const TTL: u8 = 64;
    // Where the system refuses, the connection closes in the ordinary way.
    let _ = hops::set_limit(stream, to.is_ipv6(), TTL);
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

impl Walk {
    /// The device that cuts or drops: the last one the bytes reached before they were cut or fell silent.
    pub async fn cutting_device(&self, net: &Diagnosis, to: SocketAddr) -> Option<IpAddr> {
        let hop = self.died_at?;
        net.trail(to).await.at(hop)
    }
}
