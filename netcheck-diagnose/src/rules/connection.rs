//! Causes of a connection that was not made: no route, an ICMP message, or silence, and where it begins.

use std::net::{IpAddr, SocketAddr};

use crate::Diagnosis;
use crate::Observed;
use crate::boundary::Boundary;
use crate::patience::Question;
use crate::trail::{Answer, Echoes, Trail};
use crate::{Finding, fix};
use netcheck_os::Sense;
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::code_kind::CodeKind;
use netcheck_record::failure::{Code, Failure};
use netcheck_record::fix::{Destination, Fix};
use netcheck_record::target::Target;

/// This machine would not or could not send.
pub(crate) fn route(target: &Target, observed: &Observed, failure: &Failure, net: &Diagnosis) -> Finding {
    if let Some(finding) = super::excluded::by_flags(target, observed, net) {
        return finding;
    }
    let v6 = observed.path.peer.is_some_and(|peer| peer.is_ipv6());
    let cause = if failure.code == Code::RouteDenied {
        let fix = fix::allow(target).on_this_machine();
        Cause::new(Reason::LocalFirewall, Who::Local, fix)
            .with_confidence(Confidence::Medium)
            .with_evidence("the refusal comes from this machine: nothing has left it")
    } else {
        no_route(target, v6, net)
    };
    Finding::of(cause.with_evidence(failure.detail.clone()))
}

/// A machine with a way out and none to this address has a route that discards; without any it is offline.
fn no_route(target: &Target, v6: bool, net: &Diagnosis) -> Cause {
    // Connecting a UDP socket asks the routing table and sends nothing.
    let anywhere: IpAddr = if v6 { [0x2600, 0, 0, 0, 0, 0, 0, 1].into() } else { [1, 1, 1, 1].into() };
    if netcheck_net::udp::Socket::open(net.egress(), SocketAddr::new(anywhere, 9)).is_ok() {
        let fix = format!(
            "On this machine: remove the route that discards what is sent to {}.",
            target.authority()
        );
        return Cause::new(Reason::LocalFirewall, Who::Local, fix)
            .with_confidence(Confidence::Medium)
            .with_evidence("this machine has a route to other addresses");
    }
    let family = if v6 { "IPv6" } else { "IPv4" };
    let fix = Fix::Connect { this_machine: true };
    Cause::new(Reason::Offline, Who::Local, fix)
        .with_confidence(Confidence::Medium)
        .with_evidence(format!("this machine has no {family} route to anywhere"))
}

/// The connection failed with an answer or with silence.
pub(crate) async fn explain(
    target: &Target,
    observed: &Observed,
    failure: &Failure,
    net: &Diagnosis,
) -> Option<Finding> {
    let to = observed.path.peer?;
    if let Some(finding) = super::name::block_page_address(target, observed, failure, net) {
        return Some(finding);
    }
    match failure.code.kind() {
        CodeKind::Prohibited | CodeKind::Unreachable => Some(stated_by_icmp(target, to, failure, net).await),
        CodeKind::Refused => Some(super::refusal::explain(target, to, failure, net).await),
        CodeKind::Timeout if net.diagnoses() => {
            Some(Box::pin(silent(target, observed, to, failure, net)).await)
        }
        CodeKind::Reset if net.diagnoses() => {
            let finding = super::intercepted::intercepted_by(target, to, failure, net).await?;
            if target.scheme.name == "tcp" {
                let detail =
                    format!("something nearer than the service accepts the connection; {}", failure.detail);
                net.replace_failure(Failure::new(Code::TcpIntercepted, detail));
            }
            Some(finding)
        }
        CodeKind::Timeout
        | CodeKind::Reset
        | CodeKind::Closed
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

/// An ICMP message says it.
async fn stated_by_icmp(target: &Target, to: SocketAddr, failure: &Failure, net: &Diagnosis) -> Finding {
    let Some(offender) = failure.offender else {
        if net.is_blind(&[Sense::TcpIcmp]) {
            return unattributed(target, failure);
        }
        return super::local::no_neighbour(target, to, failure, net).await;
    };
    if offender == to.ip() {
        let fix = fix::service(target, "its host refuses the connection by ICMP");
        let cause = Cause::new(Reason::ServiceRefused, Who::Service, fix).at_hop(Some(offender));
        return Finding::of(cause.with_confidence(Confidence::Medium).with_evidence(failure.detail.clone()));
    }
    let cause = Cause::new(Reason::FirewallReject, Who::Network, fix::allow(target))
        .at_hop(Some(offender))
        .with_confidence(Confidence::Medium)
        .with_evidence(failure.detail.clone())
        .with_evidence(format!("{offender} is not the service"));
    Finding::of(cause)
}

/// A router, the service's host or this machine itself says it: this system does not tell which.
fn unattributed(target: &Target, failure: &Failure) -> Finding {
    let fix = format!("Find out who reports that {} is unreachable.", fix::what(target));
    Finding::of(Cause::new(Reason::Unknown, Who::Unknown, fix).with_evidence(failure.detail.clone()))
}

/// Nothing came back.
async fn silent(
    target: &Target,
    observed: &Observed,
    to: SocketAddr,
    failure: &Failure,
    net: &Diagnosis,
) -> Finding {
    let (trail, sibling) = tokio::join!(net.trail(to), net.answering_sibling(to));
    if sibling.is_none()
        && let Some(finding) = dead_family(target, observed, to, net).await
    {
        return finding;
    }
    if let Some(finding) = super::local::explain(target, to, &trail, sibling.is_some(), net).await {
        return finding;
    }
    dropped(target, failure, &trail, sibling, net.boundary(to).await)
}

/// Packets vanish on the way: after the last hop that answered.
#[must_use]
pub fn dropped(
    target: &Target,
    failure: &Failure,
    trail: &Trail,
    sibling: Option<(u16, Answer)>,
    boundary: Boundary,
) -> Finding {
    let last = match boundary {
        Boundary::NotHere(hop, router) => Some((hop, router)),
        Boundary::Confirmed(..) | Boundary::Inconclusive => trail.last(),
    };
    let mut cause = Cause::new(Reason::FirewallDrop, Who::Network, fix::allow(target))
        .at_hop(last.map(|(_, address)| address))
        .with_evidence(failure.detail.clone());
    cause = match last {
        Some((hop, address)) => {
            cause.with_evidence(format!("the packets die at or after {address}, {}", hops(hop)))
        }
        None if trail.blind => by_echoes(cause, trail),
        None => cause.with_evidence("no hop answered for this port"),
    };
    let Some((port, answer)) = sibling else { return Finding::of(cause) };
    let answers = match answer {
        Answer::Open => "answers",
        Answer::Refused => "refuses connections",
    };
    cause = cause.with_evidence(format!("TCP {port} of the same address {answers}"));
    // A refusal may be the network's as well as the service's: alone it says little.
    if answer == Answer::Open {
        cause = cause.with_confidence(Confidence::Medium);
    }
    if let (Boundary::Confirmed(hop, router), Some(_)) = (boundary, last) {
        cause = cause.with_confidence(Confidence::Medium).with_evidence(format!(
            "for TCP {port} the next hop, {router} ({}), answers too, each time both are asked: packets for this port \
             are dropped there, or another route is used for this port",
            hops(hop)
        ));
    }
    Finding::of(cause)
}

/// Where the system tells of no router, how far echo requests get: as far as packets for the port, unless a rule tells them
/// apart.
fn by_echoes(cause: Cause, trail: &Trail) -> Cause {
    match &trail.echo {
        Some(Echoes { arrive: true, .. }) => {
            cause.with_evidence("ICMP echo requests reach the address: packets for this port are dropped")
        }
        Some(Echoes { last: Some((hop, router)), .. }) => cause
            .at_hop(Some(*router))
            .with_evidence(format!("ICMP echo requests die at or after {router}, {}", hops(*hop))),
        Some(Echoes { last: None, .. }) => cause.with_evidence("no hop answers ICMP echo requests"),
        None => cause,
    }
}

fn hops(number: u8) -> String {
    format!("{} from here", super::hops::count(number))
}

/// IPv6 does not work where IPv4 does: to this service, or to anybody?
pub fn ipv6_broken(net: &Diagnosis, target: &Target) -> Cause {
    let what = fix::what(target);
    if net.experiments.reached_over_ipv6() {
        let fix = format!("Let IPv6 to {what} pass, or ask its operator whether it answers over IPv6.");
        return Cause::new(Reason::Ipv6Broken, Who::Unknown, fix)
            .with_evidence("IPv6 to another host of this run connected");
    }
    let fix = Fix::RepairIpv6 { destination: Destination::of(target) };
    Cause::new(Reason::Ipv6Broken, Who::Network, fix).with_confidence(Confidence::Medium)
}

/// IPv6 silent while IPv4 of the same name connects.
async fn dead_family(
    target: &Target,
    observed: &Observed,
    to: SocketAddr,
    net: &Diagnosis,
) -> Option<Finding> {
    let name = target.host.name().filter(|_| to.is_ipv6())?;
    let known: Vec<IpAddr> = observed.path.addresses.iter().copied().filter(IpAddr::is_ipv4).collect();
    let four = if known.is_empty() {
        let servers = net.resolver().servers();
        let lookup = netcheck_net::dns::both(
            &servers,
            name,
            netcheck_net::dns::Families::V4,
            Question::Lookup.patience(net),
        )
        .await;
        lookup.addresses.first().copied()
    } else {
        known.first().copied()
    }?;
    let control = SocketAddr::new(four, to.port());
    let attempt =
        netcheck_net::tcp::attempt(net.egress(), control, netcheck_net::tcp::ProbeOptions::default());
    let opened =
        matches!(netcheck_net::clock::within(Question::Reach.patience(net), attempt).await, Some(Ok(_)));
    opened.then(|| {
        let cause = ipv6_broken(net, target)
            .with_evidence(format!("IPv6 to {} stays silent", to.ip()))
            .with_evidence(format!("IPv4 to {four} connects to the same port"));
        Finding::of(cause)
    })
}
