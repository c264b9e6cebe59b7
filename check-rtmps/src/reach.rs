//! The way to an ingest: its name, a place at its address, and the TCP connection.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::net::Net;
use netcheck_common::stream::Stream;
use netcheck_common::target::Target;
use netcheck_common::tcp_counters::TcpHandle;
use netcheck_common::trace::{Stopped, Trace};
use tokio::net::TcpStream;

use crate::facts::{Facts, HandshakeFacts};
use crate::limit::{AddressLimit, Permit, Place};

/// A connection to an ingest, or to the proxy before it.
pub struct Reached {
    /// The connection.
    pub stream: Stream,
    /// The place at the address that it holds.
    pub place: Place,
    /// Asks the kernel about a direct connection.
    pub tcp: Option<TcpHandle>,
}

/// Waits for a permit, then connects: `dns` and `tcp`, or `proxy`. `watched`: the kernel will be asked about the connection.
///
/// # Errors
/// One of these stages failed, or no place became free in time.
pub async fn reach(
    target: &Target,
    trace: &mut Trace<Facts>,
    places: impl Fn(String) -> Arc<AddressLimit>,
    pace: impl Future<Output = ()>,
    watched: bool,
) -> Result<Reached, Stopped> {
    let net = trace.net();
    if net.proxy_for(target).is_some() {
        let places = places(target.host.to_string());
        let permit = wait(trace, &places).await?;
        pace.await;
        let mut place = Place::new(permit, places);
        let begun = clock::now();
        let stream = place.during(trace.reach(target)).await?;
        return Ok(Reached { stream, place: place.over(begun.elapsed()), tcp: None });
    }
    let addresses = trace.addresses(target).await?;
    let first = addresses.first().map_or_else(|| target.host.to_string(), IpAddr::to_string);
    let places = places(first);
    let permit = wait(trace, &places).await?;
    pace.await;
    let begun = clock::now();
    let work = connect(&net, &addresses, target.port(), &places, permit);
    let connected = trace.stage_within(Layer::TCP, net.left(), work).await;
    if trace.stopped_with() == Some(Code::RtmpTimeout) {
        note_crowded(trace);
    }
    let (tcp, permit) = connected?;
    let handle = if watched { TcpHandle::of(&tcp) } else { None };
    let place = Place::new(permit, places).over(begun.elapsed());
    Ok(Reached { stream: Stream::new(tcp), place, tcp: handle })
}

/// Waits for a place at the address, as long as the deadline leaves time to use it.
async fn wait(trace: &mut Trace<Facts>, places: &AddressLimit) -> Result<Permit, Stopped> {
    match places.take(longest_wait(&trace.net())).await {
        Some(permit) => Ok(permit),
        None => {
            note_crowded(trace);
            Err(trace.fail(connection_limit_reached()))
        }
    }
}

fn longest_wait(net: &Net) -> Duration {
    let left = net.left();
    left.saturating_sub(net.timeout() * 2).max(left / 2)
}

fn note_crowded(trace: &mut Trace<Facts>) {
    trace.facts.rtmp = Some(HandshakeFacts { crowded: true, ..HandshakeFacts::default() });
}

/// No connection to this address became free within the bound.
fn connection_limit_reached() -> Failure {
    let detail =
        "not tried: as many handshakes with this address as --per-host allows were still in progress";
    Failure::new(Code::RtmpTimeout, detail)
}

/// Connects. A SYN that stays unanswered gives its place back; a connection that comes late and finds no place free is
/// closed and made again in its turn, so that no open connection waits in line.
async fn connect(
    net: &Net,
    addresses: &[IpAddr],
    port: u16,
    places: &AddressLimit,
    permit: Permit,
) -> Result<(TcpStream, Permit), Failure> {
    let bound = net.timeout();
    let mut attempt = Box::pin(bounded(net, addresses, port, bound));
    let early = clock::within(places.patience().min(bound), &mut attempt).await;
    places.note(early.is_some());
    if let Some(connected) = early {
        return Ok((connected?, permit));
    }
    drop(permit);
    let late = attempt.await?;
    if let Some(permit) = places.take_free() {
        return Ok((late, permit));
    }
    drop(late);
    let permit = places.take(longest_wait(net)).await.ok_or_else(connection_limit_reached)?;
    // A path this slow answers late again: this attempt keeps its place.
    Ok((bounded(net, addresses, port, bound).await?, permit))
}

/// One attempt, with the time limit of a stage: the stage itself lasts as long as the wait for a place.
async fn bounded(net: &Net, addresses: &[IpAddr], port: u16, bound: Duration) -> Result<TcpStream, Failure> {
    let silence = || Failure::new(Code::TcpTimeout, format!("no answer within {}", clock::seconds(bound)));
    clock::within(bound, net.connect_tcp(addresses, port)).await.unwrap_or_else(|| Err(silence()))
}
