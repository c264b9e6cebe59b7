//! The causes that only these protocols show, each with its evidence and the sentence for whoever has to act.

use std::net::SocketAddr;

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::diagnose::fix;
use netcheck_common::failure::Failure;
use netcheck_common::target::Target;

use crate::facts::Facts;

/// An error response of the service.
pub fn service(target: &Target, failure: &Failure) -> Cause {
    let fix = fix::service(target, "it answers with an error");
    Cause::new(Reason::ServiceMisconfigured, Who::Service, fix)
        .with_confidence(Confidence::Medium)
        .with_evidence(format!("{}: packets pass both ways", failure.detail))
        .with_evidence("the answer carries the random id of the request")
}

/// Packets come from there, and none answers what was asked.
pub fn unexpected(target: &Target, failure: &Failure) -> Cause {
    let fix = format!(
        "Compare {} from another network: packets arrive from there, and none is an answer.",
        fix::what(target)
    );
    Cause::new(Reason::Unknown, Who::Unknown, fix)
        .with_evidence(failure.detail.clone())
        .with_evidence("packets pass both ways")
}

/// The answer comes from another address or port than the one that was asked.
pub fn answered_from(target: &Target, failure: &Failure, from: SocketAddr) -> Cause {
    let about = format!(
        "it answers from {from} instead of the address and port that are asked, which firewalls and clients discard"
    );
    let fix = fix::service(target, &about);
    Cause::new(Reason::ServiceMisconfigured, Who::Service, fix)
        .with_confidence(Confidence::Medium)
        .with_evidence(failure.detail.clone())
        .with_evidence("the answer carries the random id of the request: packets pass both ways")
}

/// The name or the password is wrong.
pub fn credentials(target: &Target, failure: &Failure) -> Cause {
    let fix = format!(
        "Give a valid TURN_USERNAME and TURN_PASSWORD for {}, or leave both out.",
        target.authority()
    );
    Cause::new(Reason::Unknown, Who::Local, fix)
        .with_evidence(format!("{}: packets pass both ways", failure.detail))
}

/// 437 (Allocation Mismatch) on one flow: the server does not know the flow any more (RFC 8656 section 5).
pub fn rebinding(target: &Target, facts: &Facts, failure: &Failure) -> Cause {
    let fix = format!(
        "Let the NAT keep one public address and port for each UDP flow to {}: another one for each packet makes TURN unusable.",
        target.authority()
    );
    let cause = Cause::new(Reason::NatRebinding, Who::Network, fix).with_evidence(failure.detail.clone());
    let turn = facts.turn.as_ref();
    let mapped = turn.and_then(|turn| turn.mapped);
    match (mapped, turn.and_then(|turn| turn.mapped_again)) {
        (Some(first), Some(again)) if first != again => cause
            .with_confidence(Confidence::High)
            .with_evidence(format!("the server saw one flow of this machine first as {first}, then as {again}")),
        (Some(first), _) => cause.with_confidence(Confidence::Medium).with_evidence(format!(
            "the server granted an allocation to this flow, as {first}, and did not know the flow a moment later"
        )),
        (None, _) => cause,
    }
}

/// No ICMP socket for this user.
pub fn not_permitted(failure: &Failure) -> Cause {
    let fix = "Let this user's group open ICMP sockets (sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"), or give the program CAP_NET_RAW.";
    Cause::new(Reason::Unknown, Who::Local, fix)
        .with_confidence(Confidence::High)
        .with_evidence(failure.detail.clone())
}

/// The server offers versions of QUIC, and 1 is not among them.
pub fn versions(target: &Target, facts: &Facts, failure: &Failure) -> Cause {
    let versions = facts.quic.as_ref().map(|quic| quic.versions.join(", ")).filter(|known| !known.is_empty());
    let offers = versions.as_deref().unwrap_or("none that this tool speaks");
    let about =
        format!("clients need QUIC version 1 (RFC 9000) and fall back to TCP without it; it offers {offers}");
    let fix = fix::service(target, &about);
    let cause = Cause::new(Reason::ServiceMisconfigured, Who::Service, fix)
        .with_confidence(Confidence::Medium)
        .with_evidence(format!("{}: packets pass both ways", failure.detail));
    match versions {
        Some(versions) => cause.with_evidence(format!("Version Negotiation offers {versions}")),
        None => cause,
    }
}

/// The connection stood, and TURN on it was not answered; `proven`: the service has proven itself by a public certificate.
pub fn cut_off(target: &Target, failure: &Failure, proven: bool) -> Cause {
    if proven {
        // No device can tell TURN from anything else inside the service's own TLS.
        let fix = fix::service(target, "it does not answer TURN inside TLS");
        return Cause::new(Reason::ServiceMisconfigured, Who::Service, fix)
            .with_confidence(Confidence::Medium)
            .with_evidence(
                "TLS ends at the service's own certificate: no device on the path can read what is inside",
            )
            .with_evidence(failure.detail.clone());
    }
    Cause::new(Reason::ProtocolFilter, Who::Unknown, fix::protocol_filter(target))
        .with_evidence("the connection opened")
        .with_evidence(failure.detail.clone())
}
