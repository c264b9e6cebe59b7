//! Where bytes die on an open connection: the same first bytes sent with a rising TTL.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use nix::sys::socket::getsockopt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};

use crate::Diagnosis;
use netcheck_net::clock;
use netcheck_net::icmp;
use netcheck_net::tcp::{self, Reach};

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
}

mod option {
    //! The socket option that tells how a connection fares, which no crate offers ready-made (tcp(7)).
    use nix::libc;
    use nix::sys::socket::sockopt::GetStruct;

    /// `TCP_INFO`.
    #[derive(Clone, Copy, Debug)]
    pub struct Info;
    nix::getsockopt_impl!(Info, libc::IPPROTO_TCP, libc::TCP_INFO, libc::tcp_info, GetStruct<libc::tcp_info>);
}

enum End {
    Died,
    Cut,
    Answered,
    Silent,
}

/// Sends `payload` as the first bytes of connections to `to`, each with another TTL.
pub async fn walk(net: &Diagnosis, to: SocketAddr, payload: &[u8]) -> Walk {
    let wait = net.timeout().mul_f64(0.14).clamp(Duration::from_millis(60), Duration::from_secs(1));
    let walking = join_all((1..=HOPS).map(|ttl| send(net, to, payload, ttl, wait)));
    let (ends, acknowledged) = tokio::join!(walking, acknowledged(net, to, payload, wait));
    let mut walk = Walk { acknowledged, ..Walk::default() };
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

/// Sends the bytes as far as they go; none where something came back.
async fn acknowledged(net: &Diagnosis, to: SocketAddr, payload: &[u8], wait: Duration) -> Option<bool> {
    let mut stream = clock::within(wait, tcp::attempt(net.origin(), to, Reach::default())).await?.ok()?;
    stream.write_all(payload).await.ok()?;
    if clock::within(wait, stream.read(&mut [0; 1])).await.is_some() {
        return None;
    }
    getsockopt(&stream, option::Info).ok().map(|info| info.tcpi_unacked == 0)
}

async fn send(net: &Diagnosis, to: SocketAddr, payload: &[u8], ttl: u8, wait: Duration) -> End {
    let connected = clock::within(wait, tcp::attempt(net.origin(), to, Reach::default())).await;
    let Some(Ok(mut stream)) = connected else { return End::Silent };
    icmp::listen(&stream, to.is_ipv6());
    let socket = socket2::SockRef::from(&stream);
    let limited = if to.is_ipv6() {
        socket.set_unicast_hops_v6(u32::from(ttl))
    } else {
        socket.set_ttl_v4(u32::from(ttl))
    };
    if limited.is_err() {
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
    match clock::within(wait, exchange).await {
        None => End::Silent,
        Some(Ok(0)) => End::Cut,
        Some(Ok(_)) => End::Answered,
        Some(Err(error)) => match error.kind() {
            std::io::ErrorKind::HostUnreachable | std::io::ErrorKind::NetworkUnreachable => End::Died,
            _ => End::Cut,
        },
    }
}

impl Walk {
    /// The device that cuts or drops: the last one the bytes reached before they were cut or fell silent.
    pub async fn culprit(&self, net: &Diagnosis, to: SocketAddr) -> Option<IpAddr> {
        let hop = self.died_at?;
        net.trail(to).await.at(hop)
    }
}
