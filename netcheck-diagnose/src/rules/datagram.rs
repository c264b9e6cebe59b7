//! Causes of a datagram without an answer: dropped on the way, UDP as a whole blocked, refused, or a service that is silent.

use std::net::SocketAddr;

use crate::Diagnosis;
use crate::Observed;
use crate::boundary::{self, Boundary};
use crate::trail::CONTROL_PORT;
use crate::trail::Trail;
use crate::{Finding, fix};
use netcheck_os::Sense;
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::code_kind::CodeKind;
use netcheck_record::failure::{Code, Failure};
use netcheck_record::fix::Fix;
use netcheck_record::record::Verdict;
use netcheck_record::target::Target;

/// Why no datagram came back.
pub(crate) async fn explain(
    target: &Target,
    observed: &Observed,
    failure: &Failure,
    net: &Diagnosis,
) -> Option<Finding> {
    let to = observed.path.peer?;
    match failure.code.kind() {
        CodeKind::Refused | CodeKind::Prohibited => Some(stated_by_icmp(target, to, failure, net)),
        CodeKind::Unreachable if failure.offender.is_some() || is_neighbour(failure) => {
            Some(stated_by_icmp(target, to, failure, net))
        }
        CodeKind::Timeout if net.diagnoses() && matches!(failure.code.layer(), "udp" | "quic") => {
            Box::pin(silent(target, to, failure, net)).await
        }
        CodeKind::Timeout
        | CodeKind::Reset
        | CodeKind::Closed
        | CodeKind::Unreachable
        | CodeKind::NotSent
        | CodeKind::Name
        | CodeKind::Certificate
        | CodeKind::Parameters
        | CodeKind::Malformed
        | CodeKind::Rejected
        | CodeKind::Authentication
        | CodeKind::Foreign
        | CodeKind::Quality
        | CodeKind::Mail
        | CodeKind::NotProbed => None,
    }
}

/// Our own kernel found nobody who would take the packet.
fn is_neighbour(failure: &Failure) -> bool {
    failure.offender.is_none() && failure.underlying == Some(Code::TcpHostUnreachable)
}

/// An ICMP message says it.
fn stated_by_icmp(target: &Target, to: SocketAddr, failure: &Failure, net: &Diagnosis) -> Finding {
    match failure.offender {
        None if is_neighbour(failure) => {
            let fix = format!(
                "Check this machine's network: the next hop towards {} does not answer.",
                target.authority()
            );
            Finding::of(Cause::new(Reason::Offline, Who::Local, fix).with_evidence(failure.detail.clone()))
        }
        Some(offender) if offender != to.ip() => Finding::of(
            Cause::new(Reason::FirewallReject, Who::Network, fix::allow(target))
                .at_hop(Some(offender))
                .with_confidence(Confidence::Medium)
                .with_evidence(failure.detail.clone())
                .with_evidence(format!("{offender} is not the service")),
        ),
        Some(_) if failure.code == Code::UdpRefused => {
            let cause = Cause::new(Reason::PortIdle, Who::Service, fix::no_listener(target))
                .with_confidence(Confidence::Medium);
            Finding::with(
                Verdict::Degraded,
                cause.with_evidence(failure.detail.clone()).with_evidence("the sender is the service"),
            )
        }
        None if net.is_blind(&[Sense::UdpIcmp]) => {
            let fix =
                format!("Find out who refuses {}: the service or a device before it.", fix::what(target));
            let cause = Cause::new(Reason::Unknown, Who::Unknown, fix);
            Finding::of(cause.with_evidence(failure.detail.clone()))
        }
        offender => {
            let cause = Cause::new(Reason::FirewallReject, Who::Unknown, fix::allow(target)).at_hop(offender);
            Finding::of(cause.with_evidence(failure.detail.clone()))
        }
    }
}

/// Silence: how far do datagrams get, on this port, on another, and how far does TCP?
async fn silent(target: &Target, to: SocketAddr, failure: &Failure, net: &Diagnosis) -> Option<Finding> {
    let control = SocketAddr::new(to.ip(), CONTROL_PORT);
    let web = async {
        match net.sibling(SocketAddr::new(to.ip(), 0)).await {
            Some(port) => Some((port, net.trail(SocketAddr::new(to.ip(), port)).await)),
            None => None,
        }
    };
    let (own, other, web, elsewhere) =
        tokio::join!(net.datagram_trail(to), net.datagram_trail(control), web, elsewhere(net));
    if web.is_none()
        && farthest(&own) <= 1
        && farthest(&other) <= 1
        && net.cut_off(to.is_ipv6()).await.is_some()
    {
        let fix = Fix::Connect { this_machine: false };
        let cause = Cause::new(Reason::Offline, Who::Network, fix)
            .at_hop(own.last().or(other.last()).map(|(_, address)| address))
            .with_confidence(Confidence::Medium)
            .with_evidence(failure.detail.clone())
            .with_evidence("nothing beyond the first hop answers, over UDP or TCP");
        return Some(Finding::of(cause));
    }
    // Without ICMP each of the paths looks empty: they cannot be compared.
    if net.is_blind(&[Sense::UdpIcmp]) {
        let cause = Cause::new(Reason::FirewallDrop, Who::Network, fix::allow(target));
        return Some(Finding::of(cause.with_evidence(failure.detail.clone())));
    }
    let near = own.last().map(|(_, address)| address);
    let place = own.last().map_or("no hop answered for this port".to_owned(), |(hop, address)| {
        format!("datagrams for this port die at or after {address} (hop {hop})")
    });
    let base = |reason| {
        Cause::new(reason, Who::Network, fix::allow(target))
            .at_hop(near)
            .with_evidence(failure.detail.clone())
            .with_evidence(place.clone())
    };
    // The control port gets an answer, or at least a hop farther: UDP passes, this port does not.
    if reach(&other) > reach(&own) {
        let cause = base(Reason::FirewallDrop)
            .with_evidence(format!("UDP {CONTROL_PORT} of the same address gets farther"));
        let next = other.hops.iter().map(|(hop, _)| *hop).find(|hop| *hop > farthest(&own));
        // Where only the address itself is farther, its service may as well be silent of its own accord.
        let sure = match next {
            None => Confidence::Low,
            Some(hop) => match boundary::of_datagrams(net, to, control, hop).await {
                Boundary::Confirmed(..) => Confidence::High,
                Boundary::NotHere(..) | Boundary::Inconclusive => Confidence::Medium,
            },
        };
        return Some(Finding::of(cause.with_confidence(sure)));
    }
    let others = if net.datagrams_pass() {
        Some("other datagrams of this run were answered")
    } else {
        (elsewhere > farthest(&own)).then_some("datagrams to the resolver get farther")
    };
    match web {
        // Datagrams to somebody else get farther: it is this address, and not UDP as such.
        Some((port, path)) if reach(&path) > reach(&own) && others.is_some() => {
            let cause = base(Reason::FirewallDrop)
                .with_confidence(Confidence::Medium)
                .with_evidence(format!("TCP {port} of the same address gets farther"));
            Some(Finding::of(others.into_iter().fold(cause, Cause::with_evidence)))
        }
        Some((port, path)) if reach(&path) > reach(&own) => {
            let cause = base(Reason::UdpBlocked)
                .with_evidence(format!("UDP {CONTROL_PORT} of the same address gets no farther"))
                .with_evidence(format!("TCP {port} of the same address does"));
            Some(Finding::of(cause.with_confidence(Confidence::Medium)))
        }
        _ => Some(Finding::of(base(Reason::FirewallDrop))),
    }
}

/// How many hops datagrams to the resolver pass: the control at another address.
async fn elsewhere(net: &Diagnosis) -> u8 {
    match net.resolver().servers().first() {
        Some(server) if !server.ip().is_loopback() => farthest(&net.datagram_trail(*server).await),
        _ => 0,
    }
}

fn farthest(trail: &Trail) -> u8 {
    trail.last().map_or(0, |(hop, _)| hop)
}

/// How far a trail got; an answer from the address itself is farther than any hop before it.
fn reach(trail: &Trail) -> u8 {
    trail.answered.map_or_else(|| farthest(trail), |(ttl, _)| ttl.max(farthest(trail) + 1))
}
