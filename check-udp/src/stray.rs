//! Answers from another address or port than the one that was asked. A connected socket never sees them, and a firewall
//! that expects the answer from where the question went discards them.

use std::cell::Cell;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use netcheck_common::clock::{now, pause, within};
use netcheck_common::failure::Failure;
use netcheck_common::net::Net;
use tokio::net::UdpSocket;

use crate::binding;
use crate::message::Id;
use crate::random::random;
use crate::wire::{FIRST_WAIT, PATIENCE, Received, left};

/// The part of a silent exchange after which the search begins.
const BEGIN: f64 = 0.3;

/// Does `ask`, which asks `to` over a connected socket. While it stays silent, a Binding request goes out from an
/// unconnected one. An address other than `to` that answers is left in `found` and named in the failure of `ask`.
pub async fn beside<T>(
    net: &Net,
    to: SocketAddr,
    bound: Duration,
    found: &Cell<Option<SocketAddr>>,
    ask: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    if !net.diagnoses() {
        return ask.await;
    }
    let bound = bound.min(PATIENCE);
    let search = async {
        pause(bound.mul_f64(BEGIN)).await;
        found.set(search(net, to, bound.mul_f64(1.0 - BEGIN)).await);
    };
    let (ask, search) = (pin!(ask), pin!(search));
    let outcome = match select(ask, search).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(((), ask)) => ask.await,
    };
    match (outcome, found.get()) {
        (Err(failure), Some(from)) if !failure.peer_responded && failure.offender.is_none() => {
            let detail = format!("{}; {from} answered a request that was sent to {to}", failure.detail);
            Err(Failure { peer_responded: true, detail, ..failure })
        }
        (outcome, _) => outcome,
    }
}

/// Who answers a Binding request that is sent to `to`, where it is somebody else. An answer from `to` itself is none:
/// then the first question was lost.
async fn search(net: &Net, to: SocketAddr, bound: Duration) -> Option<SocketAddr> {
    let socket = UdpSocket::from_std(net.bound(to.ip()).await.ok()?).ok()?;
    let end = now() + bound;
    let (mut wait, mut sent, mut buffer) = (FIRST_WAIT, Vec::<Id>::new(), [0; 2048]);
    while now() < end {
        let id: Id = random();
        sent.push(id);
        socket.send_to(&binding::request(id), to).await.ok()?;
        let until = end.min(now() + wait);
        wait *= 2;
        while let Some(received) = within(left(until), socket.recv_from(&mut buffer)).await {
            let (length, from) = received.ok()?;
            let bytes = buffer.get(..length).unwrap_or_default();
            if let Received::Answer(_) = binding::read(bytes, &|id| sent.contains(id)) {
                return (from != to).then_some(from);
            }
        }
    }
    None
}
