//! How far away an answer came from: `IP_MINTTL` (IPv6: `IPV6_MINHOPCOUNT`) discards what travelled too far.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Diagnosis;
use crate::experiment::Experiment;
use crate::patience::Question;
use netcheck_net::clock;
use netcheck_net::tcp::{self, ProbeOptions};
use netcheck_os::{Sense, hops};
use netcheck_record::failure::Code;

/// How often two distances are compared before they count.
const ROUNDS: u8 = 3;
/// Beyond this round trip thresholds are tried side by side.
const FAR: Duration = Duration::from_millis(150);

/// How far an answer travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Distance {
    /// In hops: 1 is the first router. The TTL it began with is taken to be the next of 64, 128 and 255, which is what
    /// systems use.
    pub(super) hops: u8,
    /// The TTL it arrived with.
    pub(super) ttl: u8,
}

impl Distance {
    fn of(ttl: u8) -> Option<Distance> {
        // Nothing arrives with its last hop left: no threshold but the first was passed.
        let first = [64u8, 128, 255].into_iter().find(|first| ttl <= *first).filter(|_| ttl > 1)?;
        Some(Distance { hops: first - ttl + 1, ttl })
    }
}

/// From how far away the answer to a SYN came; none where nothing came, or where this system does not tell.
pub(super) async fn of(net: &Diagnosis, to: SocketAddr) -> Option<Distance> {
    net.note_asked(Experiment::Distance);
    if Sense::ResetDistance.is_blind() {
        return None;
    }
    net.experiments.distances.get("from how far does a SYN draw its answer", to, || measure(net, to)).await
}

async fn measure(net: &Diagnosis, to: SocketAddr) -> Option<Distance> {
    let begun = clock::now();
    if !answers(net, to, 1, Question::Reach.patience(net)).await {
        return None;
    }
    let took = begun.elapsed();
    Distance::of(highest(took, |least, wait| answers(net, to, least, wait)).await)
}

/// From how far away the reset came that these bytes draw on an open connection.
pub(super) async fn of_reset(net: &Diagnosis, to: SocketAddr, bytes: &[u8]) -> Option<Distance> {
    if Sense::ResetDistance.is_blind() {
        return None;
    }
    let begun = clock::now();
    if !resets(net, to, bytes, 1, Question::Reach.patience(net)).await {
        return None;
    }
    let took = begun.elapsed();
    Distance::of(highest(took, |least, wait| resets(net, to, bytes, least, wait)).await)
}

/// Whether what answers a SYN to `near` comes from nearer than what answers one to `far`, each time both are asked.
pub(super) async fn is_nearer(net: &Diagnosis, (near, at): (SocketAddr, Distance), far: SocketAddr) -> bool {
    each_time(net, at, |wait| answers(net, near, at.ttl, wait), far).await
}

/// Whether the reset that these bytes draw comes from nearer than the answer to a SYN.
pub(super) async fn is_reset_nearer(net: &Diagnosis, to: SocketAddr, bytes: &[u8], at: Distance) -> bool {
    each_time(net, at, |wait| resets(net, to, bytes, at.ttl, wait), to).await
}

/// On a path of several ways each connection takes its own: once is no proof.
async fn each_time<F: Future<Output = bool>>(
    net: &Diagnosis,
    at: Distance,
    near: impl Fn(Duration) -> F,
    far: SocketAddr,
) -> bool {
    for _ in 0..ROUNDS {
        let begun = clock::now();
        if !near(Question::Again.patience(net)).await
            || answers(net, far, at.ttl, patience(begun.elapsed())).await
        {
            return false;
        }
    }
    true
}

/// The highest threshold that is passed. Few are tried at once where an answer is quick, many where it is not: what is
/// discarded is waited for in vain.
async fn highest<F: Future<Output = bool>>(took: Duration, passes: impl Fn(u8, Duration) -> F) -> u8 {
    let ways = if took < FAR { 2 } else { 16 };
    let wait = patience(took);
    let (mut low, mut high) = (1u8, 255u8);
    while low < high {
        let step = (high - low).div_ceil(ways);
        let thresholds: Vec<u8> = (1..ways)
            .filter_map(|n| low.checked_add(n.checked_mul(step)?))
            .filter(|least| *least <= high)
            .collect();
        let received = join_all(thresholds.iter().map(|least| passes(*least, wait))).await;
        let passed = received.into_iter().take_while(|received| *received).count();
        high = thresholds.get(passed).map_or(high, |failed| failed - 1);
        low = thresholds[..passed].last().copied().unwrap_or(low);
    }
    low
}

/// An answer that is discarded is silence: how long it is waited for, where one that is not took so long.
fn patience(took: Duration) -> Duration {
    (took * 4).clamp(Duration::from_millis(40), (took * 2).max(Duration::from_millis(600)))
}

async fn answers(net: &Diagnosis, to: SocketAddr, least: u8, wait: Duration) -> bool {
    let options = ProbeOptions { min_ttl: Some(least), ..ProbeOptions::default() };
    match clock::within(wait, tcp::attempt(net.egress(), to, options)).await {
        None => false,
        Some(Ok(_)) => true,
        // A refusal that may have been ICMP has no distance.
        Some(Err(refusal)) => {
            matches!(refusal.failure.code, Code::TcpRefused | Code::TcpReset) && refusal.icmp.is_nothing()
        }
    }
}

async fn resets(net: &Diagnosis, to: SocketAddr, bytes: &[u8], least: u8, wait: Duration) -> bool {
    // Both the connection and the reset take their time.
    let exchange = async {
        let mut stream = tcp::attempt(net.egress(), to, ProbeOptions::default()).await.ok()?;
        hops::accept_from(&stream, to.is_ipv6(), least).seen()?;
        stream.write_all(bytes).await.ok()?;
        stream.read(&mut [0; 1]).await.err()
    };
    let ended = clock::within(wait * 2, exchange).await.flatten();
    ended.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
}
