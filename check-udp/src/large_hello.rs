//! A QUIC handshake that comes about only with a ClientHello in one Initial: what about the larger one is lost?

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::clock::now;
use netcheck_common::diagnose::{Diagnosis, Finding, fix};
use netcheck_common::scheme::HelloKind;
use netcheck_common::target::Target;
use netcheck_common::tls::Hello;
use netcheck_common::trace::Observed;

use crate::quic;
use crate::run::Run;

/// How often each side is sent.
const ROUNDS: usize = 3;
/// How much longer than an answered one a silent Initial is waited for; it is sent again after a second (RFC 9002).
const PATIENCE: u32 = 4;
const LEAST: Duration = Duration::from_millis(2500);
/// ALPN names that nobody speaks and their length, which make a small ClientHello as long as a browser's.
const PADDING: usize = 16;
const NAME: usize = 100;

/// Compares a browser's ClientHello that led to no handshake with a small one; none where the pairs show no difference.
pub async fn explain(run: &Run, target: &Target, observed: &Observed, net: &Diagnosis) -> Option<Finding> {
    let (to, failure) = (observed.path.peer?, observed.failure.as_ref()?);
    let sent = quic::hello(run, target, net);
    if sent.kind != HelloKind::Browser {
        return None;
    }
    let other = Hello { kind: sent.kind.other(), ..sent.clone() };
    let begun = now();
    if !quic::finishes(net, to, &other, net.timeout()).await {
        return None;
    }
    let wait = (begun.elapsed() * PATIENCE).max(LEAST).min(net.timeout());
    let padded = padded(&other);
    if answered(net, to, &sent, wait).await > 0 || answered(net, to, &other, wait).await < ROUNDS {
        return None;
    }
    let long = answered(net, to, &padded, wait).await;
    let (own, near) = tokio::join!(quic::last_hop(net, to, &sent), quic::last_hop(net, to, &other));
    // Only where the other one gets farther is the last hop of this one a place.
    let near = own.filter(|(hop, _)| near.is_some_and(|(far, _)| *hop < far)).map(|(_, address)| address);
    let (sent, other) = (sent.kind.as_str(), other.kind.as_str());
    let pair = format!(
        "same name and ALPN, {ROUNDS} times each: the Initials with the {sent} ClientHello led to no handshake, those with the {other} one did"
    );
    let pad =
        format!("the {other} one made as long by ALPN names led to a handshake {long} times of {ROUNDS}");
    let (reason, drops, sure) = match long {
        0 => (Reason::LargeHello, "that span two QUIC Initials", Confidence::Medium),
        ROUNDS => (Reason::ProtocolFilter, "of browsers by what they hold", Confidence::Medium),
        _ => (Reason::Unknown, "of this form", Confidence::Low),
    };
    // What the far end itself cannot take looks the same, but for how far the packets get.
    let sure = if near.is_some() && sure == Confidence::Medium { Confidence::High } else { sure };
    let who = if reason == Reason::LargeHello || near.is_some() { Who::Network } else { Who::Unknown };
    let cause = Cause::new(reason, who, fix::hello(target, near, drops))
        .at_hop(near)
        .with_confidence(sure)
        .with_evidence(failure.detail.clone())
        .with_evidence(pair)
        .with_evidence(pad);
    Some(Finding { verdict: None, cause })
}

/// The same ClientHello in two Initials, without a post-quantum key share.
pub fn padded(hello: &Hello) -> Hello {
    let mut padded = hello.clone();
    padded.alpn.extend((0..PADDING).map(|n| format!("netcheck-padding-{n:0NAME$}").into_bytes()));
    padded
}

/// How many of several handshakes come about.
async fn answered(net: &Diagnosis, to: SocketAddr, hello: &Hello, wait: Duration) -> usize {
    let all = join_all((0..ROUNDS).map(|_| quic::finishes(net, to, hello, wait))).await;
    all.into_iter().filter(|answered| *answered).count()
}
