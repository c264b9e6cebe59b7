//! From a failure of UDP to its cause, where only these protocols can tell.

use std::net::SocketAddr;
use std::time::Duration;

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::diagnose::{Diagnosis, Finding, fix};
use netcheck_common::failure::{Code, Failure};
use netcheck_common::record::Verdict;
use netcheck_common::target::{Host, Target};
use netcheck_common::tls::Trust;
use netcheck_common::trace::Observed;

use crate::check::Udp;
use crate::facts::Facts;
use crate::quic;

/// A name that no filter has a reason to know, for an Initial to the same address.
const NEUTRAL: &str = "example.com";

/// Explains a failure.
pub async fn explain(
    udp: &Udp,
    target: &Target,
    facts: &Facts,
    observed: &Observed,
    net: &Diagnosis,
) -> Option<Finding> {
    let failure = observed.failure.as_ref()?;
    match failure.code {
        Code::StunError => Some(service(target, failure, Some(Verdict::Degraded))),
        Code::TurnError if udp.credentials.is_some() && is_about_credentials(facts) => {
            Some(credentials(target, failure))
        }
        Code::TurnError => Some(service(target, failure, Some(Verdict::Degraded))),
        Code::IcmpNotPermitted => Some(not_permitted(failure)),
        _ if failure.heard => Some(strange(target, failure)),
        _ if !net.diagnoses() => None,
        Code::QuicTimeout if negotiated(facts) => Some(filtered_by_name(udp, target, observed, net).await),
        Code::UdpTimeout | Code::QuicTimeout => silence(udp, target, observed, net).await,
        Code::TcpTimeout | Code::TcpReset | Code::TlsTimeout | Code::TlsReset | Code::TlsClosed => {
            cut_off(target, observed)
        }
        _ => None,
    }
}

fn found(cause: Cause) -> Finding {
    Finding { verdict: None, cause }
}

/// Whoever answers with an error has been reached: the network lets both ways through.
fn service(target: &Target, failure: &Failure, verdict: Option<Verdict>) -> Finding {
    let fix = format!("Ask the operator of {} why it answers with an error.", target.authority());
    let cause = Cause::new(Reason::ServiceMisconfigured, Who::Service, fix)
        .sure(Confidence::Medium)
        .seen(format!("{}: packets pass both ways", failure.detail))
        .seen("the answer carries the random id of our request");
    Finding { verdict, cause }
}

/// Somebody sends, and never what was asked for: no device drops it all, and what goes wrong cannot be told from here.
fn strange(target: &Target, failure: &Failure) -> Finding {
    let fix = format!(
        "Compare {} from another network: packets come from there, and nothing comes of them.",
        fix::what(target)
    );
    found(
        Cause::new(Reason::Unknown, Who::Unknown, fix)
            .seen(failure.detail.clone())
            .seen("packets pass both ways"),
    )
}

/// 401 and 441: the name or the password is wrong (RFC 8489 section 14.8, RFC 8656 section 19).
fn is_about_credentials(facts: &Facts) -> bool {
    let number = facts.turn.as_ref().and_then(|turn| turn.error);
    matches!(number, Some(401 | 441))
}

fn credentials(target: &Target, failure: &Failure) -> Finding {
    let fix = format!(
        "Give a valid TURN_USERNAME and TURN_PASSWORD for {}, or leave both out.",
        target.authority()
    );
    found(
        Cause::new(Reason::Unknown, Who::Local, fix)
            .seen(format!("{}: packets pass both ways", failure.detail)),
    )
}

fn not_permitted(failure: &Failure) -> Finding {
    let fix = "Let this user's group open ICMP sockets (sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"), or give the program CAP_NET_RAW.";
    let cause =
        Cause::new(Reason::Unknown, Who::Local, fix).sure(Confidence::High).seen(failure.detail.clone());
    Finding { verdict: Some(Verdict::Inconclusive), cause }
}

fn negotiated(facts: &Facts) -> bool {
    facts.quic.as_ref().and_then(|quic| quic.version_negotiation) == Some(true)
}

/// The server answers QUIC, and not to this name.
async fn filtered_by_name(udp: &Udp, target: &Target, observed: &Observed, net: &Diagnosis) -> Finding {
    let name = match &target.host {
        Host::Name(name) => name.clone(),
        Host::Address(address) => {
            let base = Cause::new(Reason::ProtocolFilter, Who::Unknown, fix::protocol_filter(target));
            return found(
                base.seen(format!("{address} is asked for without a name"))
                    .seen("version negotiation was answered, the Initial was not"),
            );
        }
    };
    let cause = Cause::new(Reason::SniFilter, Who::Network, fix::name_filter(target))
        .seen("the server answered version negotiation at the same address and port")
        .seen(format!("the Initial with the name {name} drew no answer"));
    let Some(to) = observed.seen.peer else { return found(cause) };
    let (alpn, neutral) = (udp.alpn_of(target), Host::Name(NEUTRAL.to_owned()));
    let (answered, own, other) = tokio::join!(
        other_name_answers(net, to, alpn.clone()),
        quic::last_hop(net, to, &target.host, alpn.clone()),
        quic::last_hop(net, to, &neutral, alpn),
    );
    if !answered {
        let seen = format!("the name {NEUTRAL} drew no answer there either");
        return found(cause.sure(Confidence::Low).seen(seen));
    }
    let cause = cause.seen(format!("same address, the name {NEUTRAL}: the Initial was answered"));
    // A service with nobody behind one of its names looks the same, but for how far the name gets.
    match (own, other) {
        (Some((hop, near)), Some((far, beyond))) if hop < far => found(
            cause
                .sure(Confidence::High)
                .near(Some(near))
                .seen(format!("Initials with the name {name} die at or after {near} (hop {hop})"))
                .seen(format!("those with {NEUTRAL} reach {beyond} (hop {far})")),
        ),
        _ => found(cause.sure(Confidence::Medium)),
    }
}

async fn other_name_answers(net: &Diagnosis, to: SocketAddr, alpn: Vec<Vec<u8>>) -> bool {
    let bound = net.timeout().min(Duration::from_secs(3));
    quic::answers(net, to, &Host::Name(NEUTRAL.to_owned()), alpn, bound).await
}

/// Nothing came back: is it all UDP, or this destination?
async fn silence(udp: &Udp, target: &Target, observed: &Observed, net: &Diagnosis) -> Option<Finding> {
    if udp.controls.is_empty() {
        return None;
    }
    let to = observed.seen.peer?;
    let (controls, tcp, trail) =
        tokio::join!(udp.controls.ask(net), net.sibling(SocketAddr::new(to.ip(), 0)), net.datagram_trail(to));
    let near = trail.last();
    let here = tcp.map(|port| format!("{} accepts TCP connections on port {port}", target.host));
    let fix = fix::allow(target);
    let words = |mut cause: Cause| {
        if let Some((hop, address)) = near {
            cause =
                cause.near(Some(address)).seen(format!("datagrams die at or after {address} (hop {hop})"));
        }
        for control in &controls {
            cause = cause.seen(control.words());
        }
        if net.datagrams_pass() {
            cause = cause.seen("other datagrams of this run were answered");
        }
        here.iter().cloned().fold(cause, Cause::seen)
    };
    let silent = || controls.iter().filter(|control| control.silent);
    // What a control's port does not pass proves nothing of the target's, to which datagrams get farther.
    let farthest = silent().filter_map(|control| control.last).map(|(hop, _)| hop).max();
    let farther = farthest.is_some_and(|farthest| near.is_some_and(|(hop, _)| hop > farthest));
    let passes = controls.iter().any(|control| control.answered) || net.datagrams_pass();
    if passes || farther {
        if target.flag("known_to_answer") == Some(false) {
            let fix = format!("Nothing can be asked for: {} need not answer strangers.", target.authority());
            return Some(found(words(Cause::new(Reason::Unknown, Who::Unknown, fix))));
        }
        if !passes {
            return None;
        }
        // UDP works, so it is this destination: a device that drops it, or a service that is not there.
        let sure = if tcp.is_some() { Confidence::Medium } else { Confidence::Low };
        return Some(found(words(Cause::new(Reason::FirewallDrop, Who::Network, fix)).sure(sure)));
    }
    let with_tcp = || silent().filter(|control| control.tcp.is_some());
    if silent().next().is_none() || (with_tcp().next().is_none() && tcp.is_none()) {
        return None;
    }
    // The control's own host accepts TCP, and its datagrams die where the target's do: the same way, another protocol.
    let together = near.is_some() && with_tcp().any(|control| control.last == near);
    let sure = if together { Confidence::High } else { Confidence::Medium };
    let cause = words(Cause::new(Reason::UdpBlocked, Who::Network, fix)).sure(sure);
    Some(found(cause.seen(format!("{} stayed silent over UDP", target.authority()))))
}

/// The connection stood, and TURN was not answered on it.
fn cut_off(target: &Target, observed: &Observed) -> Option<Finding> {
    let last = observed.stages.last()?;
    if !matches!(last.stage.as_str(), "turn" | "relay") || last.ok {
        return None;
    }
    if observed.seen.trust == Some(Trust::Public) {
        // No device can tell TURN from anything else inside the service's own TLS.
        let fix = format!("Ask the operator of {} why TURN inside TLS is not answered.", target.authority());
        let cause = Cause::new(Reason::ServiceMisconfigured, Who::Service, fix).sure(Confidence::Medium);
        let seen =
            "TLS stood with the service's own certificate, so no device can have told TURN from the rest";
        return Some(found(cause.seen(seen).seen("the TURN request inside it was not answered")));
    }
    let cause = Cause::new(Reason::ProtocolFilter, Who::Unknown, fix::protocol_filter(target))
        .seen("the connection stood")
        .seen("the TURN request on it was not answered");
    Some(found(cause))
}
