//! From a failure of UDP to its cause, where only these protocols show it.

use std::net::SocketAddr;
use std::time::Duration;

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::code_kind::CodeKind;
use netcheck_common::diagnose::{Diagnosis, Finding, fix};
use netcheck_common::failure::{Code, Failure};
use netcheck_common::record::Verdict;
use netcheck_common::target::{Host, Target};
use netcheck_common::tls::{Hello, Trust};
use netcheck_common::trace::Observed;

use crate::facts::Facts;
use crate::large_hello;
use crate::run::Run;
use crate::{blame, quic, rungs};

/// A name that no filter has a reason to know, for an Initial to the same address.
const NEUTRAL: &str = "example.com";

/// Explains a failure.
pub async fn explain(
    run: &Run,
    target: &Target,
    facts: &Facts,
    observed: &Observed,
    net: &Diagnosis,
) -> Option<Finding> {
    if let Some((rung, observed)) = rungs::first_failure(target, facts, observed) {
        let finding = Box::pin(one(run, &rung, facts, &observed, net)).await;
        let finding = finding.unwrap_or_else(|| found(rungs::unexplained(&rung, &observed)));
        return Some(rungs::concluded(target, facts, finding));
    }
    let alternate = facts.turn.as_ref().and_then(|turn| turn.alternates.last());
    match alternate {
        // The server that was asked last is the one to ask for.
        Some(to) => Box::pin(one(run, &at(target, *to), facts, observed, net)).await,
        None => rules_of_datagrams(run, target, facts, observed, net).await,
    }
}

/// This target at another address.
fn at(target: &Target, to: SocketAddr) -> Target {
    Target { host: Host::Address(to.ip()), port: Some(to.port()), ..target.clone() }
}

/// The rules of this check, then the common ones.
async fn one(
    run: &Run,
    target: &Target,
    facts: &Facts,
    observed: &Observed,
    net: &Diagnosis,
) -> Option<Finding> {
    match rules_of_datagrams(run, target, facts, observed, net).await {
        Some(finding) => Some(finding),
        None => Box::pin(netcheck_common::diagnose::explain(target, observed, net)).await,
    }
}

/// The rules of this check.
async fn rules_of_datagrams(
    run: &Run,
    target: &Target,
    facts: &Facts,
    observed: &Observed,
    net: &Diagnosis,
) -> Option<Finding> {
    let failure = observed.failure.as_ref()?;
    if failure.code == Code::QuicTimeout
        && net.diagnoses()
        && let Some(finding) = Box::pin(large_hello::explain(run, target, observed, net)).await
    {
        return Some(finding);
    }
    if let Some(finding) = stated_by_icmp(run, target, facts, failure) {
        return Some(finding);
    }
    if failure.peer_responded {
        return Some(found(match answered_from(facts) {
            Some(from) => blame::answered_from(target, failure, from),
            None => blame::unexpected(target, failure),
        }));
    }
    if !net.diagnoses() {
        return None;
    }
    let lost = matches!(failure.code.kind(), CodeKind::Timeout | CodeKind::Reset | CodeKind::Closed);
    match failure.code.layer() {
        "quic" if failure.code == Code::QuicTimeout && negotiated(facts) => {
            Some(filtered_by_name(run, target, observed, net).await)
        }
        "udp" | "quic" if failure.code.kind() == CodeKind::Timeout => {
            silence(run, target, facts, observed, net).await
        }
        "turn" if lost => {
            Some(found(blame::cut_off(target, failure, observed.path.trust == Some(Trust::Public))))
        }
        _ => None,
    }
}

/// What the peer, or this machine, said in so many words.
fn stated_by_icmp(run: &Run, target: &Target, facts: &Facts, failure: &Failure) -> Option<Finding> {
    let error = facts.turn.as_ref().and_then(|turn| turn.error);
    // 401 and 441: the name or the password is wrong (RFC 8489 section 14.8, RFC 8656 section 19).
    let refused = run.credentials.is_some() && matches!(error, Some(401 | 441));
    match failure.code.layer() {
        "turn" if failure.code == Code::TurnError && error == Some(437) => {
            Some(found(blame::rebinding(target, facts, failure)))
        }
        "turn" if failure.code == Code::TurnError && refused => {
            Some(found(blame::credentials(target, failure)))
        }
        "stun" | "turn" if failure.code.kind() == CodeKind::Rejected => Some(service(target, failure)),
        "icmp" if failure.code == Code::IcmpNotPermitted => {
            Some(Finding { verdict: Some(Verdict::Inconclusive), cause: blame::not_permitted(failure) })
        }
        "quic" if failure.code == Code::QuicVersion => Some(found(blame::versions(target, facts, failure))),
        _ => None,
    }
}

fn answered_from(facts: &Facts) -> Option<SocketAddr> {
    let stun = facts.stun.as_ref().and_then(|stun| stun.answered_from);
    stun.or_else(|| facts.turn.as_ref().and_then(|turn| turn.answered_from))
}

fn found(cause: Cause) -> Finding {
    Finding { verdict: None, cause }
}

/// Whoever answers with an error has been reached: the network lets both ways through.
fn service(target: &Target, failure: &Failure) -> Finding {
    Finding { verdict: Some(Verdict::Degraded), cause: blame::service(target, failure) }
}

fn negotiated(facts: &Facts) -> bool {
    facts.quic.as_ref().and_then(|quic| quic.version_negotiation) == Some(true)
}

/// The server answers QUIC, and not to this name.
async fn filtered_by_name(run: &Run, target: &Target, observed: &Observed, net: &Diagnosis) -> Finding {
    let name = match &target.host {
        Host::Name(name) => name.clone(),
        Host::Address(address) => {
            let base = Cause::new(Reason::ProtocolFilter, Who::Unknown, fix::protocol_filter(target));
            return found(
                base.with_evidence(format!("{address} is asked for without a name"))
                    .with_evidence("version negotiation was answered, the Initial was not"),
            );
        }
    };
    let cause = |reason, fix| {
        Cause::new(reason, Who::Network, fix)
            .with_evidence("the server answered version negotiation at the same address and port")
            .with_evidence(format!("the Initial with the name {name} drew no answer"))
    };
    let by_name = cause(Reason::SniFilter, fix::name_filter(target));
    let Some(to) = observed.path.peer else { return found(by_name) };
    let asked = quic::hello(run, target, net);
    let neutral = Hello { name: Host::Name(NEUTRAL.to_owned()), ..asked.clone() };
    let bound = net.timeout().min(Duration::from_secs(3));
    let (answered, own, other) = tokio::join!(
        quic::answers(net, to, &neutral, bound),
        quic::last_hop(net, to, &asked),
        quic::last_hop(net, to, &neutral),
    );
    if !answered {
        let seen = format!("the name {NEUTRAL} drew no answer there either");
        let by_protocol = cause(Reason::ProtocolFilter, fix::protocol_filter(target));
        return found(by_protocol.with_confidence(Confidence::Low).with_evidence(seen));
    }
    let cause = by_name.with_evidence(format!("same address, the name {NEUTRAL}: the Initial was answered"));
    // A service that does not serve this name looks the same, except for how far the name gets.
    match (own, other) {
        (Some((hop, near)), Some((far, beyond))) if hop < far => found(
            cause
                .with_confidence(Confidence::High)
                .at_hop(Some(near))
                .with_evidence(format!("Initials with the name {name} die at or after {near} (hop {hop})"))
                .with_evidence(format!("those with {NEUTRAL} reach {beyond} (hop {far})")),
        ),
        _ => found(cause.with_confidence(Confidence::Medium)),
    }
}

/// Nothing came back: is it all UDP, or this destination?
async fn silence(
    run: &Run,
    target: &Target,
    facts: &Facts,
    observed: &Observed,
    net: &Diagnosis,
) -> Option<Finding> {
    if run.controls.is_empty() {
        return None;
    }
    let to = observed.path.peer?;
    let (controls, tcp, trail) =
        tokio::join!(run.controls.ask(net), net.sibling(SocketAddr::new(to.ip(), 0)), net.datagram_trail(to));
    // A rung of the same ladder has found one, or the experiment has.
    let tcp = rungs::stream_port(facts).or(tcp);
    let near = trail.last();
    let here = tcp.map(|port| format!("{} accepts TCP connections on port {port}", target.host));
    let fix = fix::allow(target);
    let words = |mut cause: Cause| {
        if let Some((hop, address)) = near {
            cause = cause
                .at_hop(Some(address))
                .with_evidence(format!("datagrams die at or after {address} (hop {hop})"));
        }
        for control in &controls {
            cause = cause.with_evidence(control.words());
        }
        if net.datagrams_pass() {
            cause = cause.with_evidence("other datagrams of this run were answered");
        }
        here.iter().cloned().fold(cause, Cause::with_evidence)
    };
    let silent = || controls.iter().filter(|control| control.silent);
    // What a control's port does not pass proves nothing of the target's, to which datagrams get farther.
    let farthest = silent().filter_map(|control| control.last).map(|(hop, _)| hop).max();
    let farther = farthest.is_some_and(|farthest| near.is_some_and(|(hop, _)| hop > farthest));
    let passes = controls.iter().any(|control| control.answered) || net.datagrams_pass();
    if passes || farther {
        if target.flag("known_to_answer") == Some(false) {
            let fix = format!(
                "Nothing can be asked for: {} need not answer clients it does not know.",
                target.authority()
            );
            return Some(found(words(Cause::new(Reason::Unknown, Who::Unknown, fix))));
        }
        if !passes {
            return None;
        }
        // UDP works, so it is this destination: a device that drops it, or a service that is not there.
        let sure = if tcp.is_some() { Confidence::Medium } else { Confidence::Low };
        return Some(found(words(Cause::new(Reason::FirewallDrop, Who::Network, fix)).with_confidence(sure)));
    }
    let with_tcp = || silent().filter(|control| control.tcp.is_some());
    if silent().next().is_none() || (with_tcp().next().is_none() && tcp.is_none()) {
        return None;
    }
    // The control's own host accepts TCP, and its datagrams die where the target's do: the same way, another protocol.
    let together = near.is_some() && with_tcp().any(|control| control.last == near);
    let sure = if together { Confidence::High } else { Confidence::Medium };
    let cause = words(Cause::new(Reason::UdpBlocked, Who::Network, fix)).with_confidence(sure);
    Some(found(cause.with_evidence(format!("{} stayed silent over UDP", target.authority()))))
}
