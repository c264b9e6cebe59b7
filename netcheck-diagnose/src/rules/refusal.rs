//! Causes of a refused connection: by the service, by something nearer, or by this machine? The distances tell.

use std::net::SocketAddr;

use super::hops::count;
use crate::Diagnosis;
use crate::distance::{self, Distance};
use crate::own_reset;
use crate::trail::Trail;
use crate::{Finding, fix};
use netcheck_net::device;
use netcheck_os::Sense;
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::failure::Failure;
use netcheck_record::record::Verdict;
use netcheck_record::target::Target;

/// A RST, or ICMP port unreachable: from the service, or from something nearer?
pub(super) async fn explain(target: &Target, to: SocketAddr, failure: &Failure, net: &Diagnosis) -> Finding {
    if let Some(offender) = failure.offender.filter(|offender| *offender != to.ip()) {
        let cause = Cause::new(Reason::FirewallReject, Who::Network, fix::allow(target))
            .at_hop(Some(offender))
            .with_confidence(Confidence::Medium)
            .with_evidence(failure.detail.clone())
            .with_evidence(format!("{offender} is not the service"));
        return Finding::of(cause);
    }
    if device::is_ours(to.ip()) {
        let cause = idle_port(target)
            .with_confidence(Confidence::High)
            .with_evidence(format!("{} is an address of this machine", to.ip()));
        return Finding::with(Verdict::Degraded, cause);
    }
    if failure.offender.is_some() {
        let cause = idle_port(target)
            .with_confidence(Confidence::Medium)
            .with_evidence(failure.detail.clone())
            .with_evidence("the sender is the service");
        return Finding::with(Verdict::Degraded, cause);
    }
    if !net.diagnoses() {
        let fix = format!("Find out who refuses {}: the service or a firewall before it.", fix::what(target));
        return Finding::of(
            Cause::new(Reason::Unknown, Who::Unknown, fix).with_evidence(failure.detail.clone()),
        );
    }
    compare_distances(target, to, net).await
}

/// The service's host itself refuses the port: nothing listens there.
fn idle_port(target: &Target) -> Cause {
    Cause::new(Reason::PortIdle, Who::Service, fix::no_listener(target))
}

/// Weighs the distance of the RST against that of the service.
async fn compare_distances(target: &Target, to: SocketAddr, net: &Diagnosis) -> Finding {
    let sibling = net.sibling(to).await;
    let other = sibling.map(|port| SocketAddr::new(to.ip(), port));
    let service = async {
        match other {
            Some(other) => distance::of(net, other).await,
            None => None,
        }
    };
    let (refusal, service, trail) = tokio::join!(distance::of(net, to), service, net.trail(to));
    if let Some(finding) = refused_here(target, to, &trail, net).await {
        return finding;
    }
    if let Some(finding) = refused_at_the_first_hop(target, to, &trail, service, net).await {
        return finding;
    }
    // A refusal is the service's only where the system would tell of somebody else's.
    if net.is_blind(&[Sense::TcpIcmp, Sense::ResetDistance]) {
        return unclear(target, vec!["the connection was refused".into()]);
    }
    match (refusal, service, sibling) {
        (Some(near), Some(far), Some(port)) if near.hops < far.hops => {
            let place = match trail.at(near.hops) {
                Some(place) => Some(place),
                None => net.router(to.ip(), near.hops).await,
            };
            let seen = format!(
                "the RST came from {} away; TCP {port} of the same address answers from {}",
                count(near.hops),
                count(far.hops)
            );
            // Where both began with the same TTL, each further pair has to show the same.
            let alike = far.ttl < near.ttl;
            if alike && !distance::is_nearer(net, (to, near), SocketAddr::new(to.ip(), port)).await {
                return unclear(
                    target,
                    vec![seen, "asked again, they are no longer apart: the path has several ways".into()],
                );
            }
            // A router refuses what it would have passed on; a host that passes its open ports on refuses at its door.
            let at_the_door = matches!(trail.answered, Some((out, _)) if out <= near.hops);
            if at_the_door && place.is_none() {
                let why = "a SYN draws it that travels no farther: a host there may pass the open port on";
                return unclear(target, vec![seen, why.into()]);
            }
            let certain = place.is_some() && alike && !at_the_door;
            let sure = if certain { Confidence::High } else { Confidence::Medium };
            Finding::of(
                reject(target, &trail, near.hops).at_hop(place).with_confidence(sure).with_evidence(seen),
            )
        }
        (Some(near), Some(far), Some(port)) => {
            let cause = idle_port(target).with_confidence(Confidence::Medium).with_evidence(format!(
                "the RST came from {} away, the answer of TCP {port} of the same address from {}",
                count(near.hops),
                count(far.hops)
            ));
            Finding::with(Verdict::Degraded, cause)
        }
        (_, _, Some(port)) => {
            let cause = idle_port(target).with_evidence(format!("TCP {port} of the same address is open"));
            Finding::with(Verdict::Degraded, cause)
        }
        (Some(near), _, None) => alone(target, &trail, near.hops),
        _ => {
            let fix =
                format!("Find out who refuses {}: the service or a firewall before it.", fix::what(target));
            Finding::of(
                Cause::new(Reason::Unknown, Who::Unknown, fix).with_evidence("the SYN was answered by RST"),
            )
        }
    }
}

/// Who refuses cannot be told.
fn unclear(target: &Target, evidence: Vec<String>) -> Finding {
    let fix = format!("Find out who refuses {}: the service or a device before it.", fix::what(target));
    let cause = Cause::new(Reason::Unknown, Who::Unknown, fix);
    Finding::of(evidence.into_iter().fold(cause, Cause::with_evidence))
}

/// A rule of this machine answers the SYN with RST.
async fn refused_here(target: &Target, to: SocketAddr, trail: &Trail, net: &Diagnosis) -> Option<Finding> {
    if !matches!(trail.answered, Some((1, _))) {
        return None;
    }
    net.note_sense(Sense::SentOctets);
    if !own_reset::refuses(net, to).await {
        return None;
    }
    let cause = Cause::new(Reason::LocalFirewall, Who::Local, fix::allow(target).on_this_machine())
        .with_confidence(Confidence::Medium)
        .with_evidence("a SYN that may travel one hop only is answered by RST")
        .with_evidence("this machine's kernel counts that RST as sent and the SYN not: it has not left");
    Some(Finding::of(cause))
}

/// A SYN that may not travel farther than the first hop drew the RST, where other packets are passed on: the first hop
/// refuses it before it would forward it.
async fn refused_at_the_first_hop(
    target: &Target,
    to: SocketAddr,
    trail: &Trail,
    service: Option<Distance>,
    net: &Diagnosis,
) -> Option<Finding> {
    if !matches!(trail.answered, Some((1, _))) || service.is_some_and(|service| service.hops == 1) {
        return None;
    }
    let hop = net.router(to.ip(), 1).await.filter(|hop| *hop != to.ip())?;
    let cause = Cause::new(Reason::FirewallReject, Who::Network, fix::allow(target))
        .at_hop(Some(hop))
        .with_confidence(Confidence::Medium)
        .with_evidence("a SYN that may travel one hop only is answered by RST")
        .with_evidence(format!("other packets for this address are passed on by {hop}, the first hop"));
    Some(Finding::of(cause))
}

/// No open port to compare with: a RST made by a router at hop k shows itself only to packets that get past
/// that hop, so its way out is one longer than its way back.
fn alone(target: &Target, trail: &Trail, back: u8) -> Finding {
    let Some((out, _)) = trail.answered else {
        let cause = Cause::new(Reason::Unknown, Who::Unknown, fix::allow(target));
        return Finding::of(cause.with_evidence(format!("the RST came from {} away", count(back))));
    };
    let seen = format!("the RST came from {} away; a SYN needs {} to draw it", count(back), count(out));
    if out > back && trail.at(back).is_some() {
        let cause = reject(target, trail, back).with_confidence(Confidence::Medium).with_evidence(seen);
        return Finding::of(cause.with_evidence("a service answers from as far away as it is"));
    }
    Finding::with(Verdict::Degraded, idle_port(target).with_evidence(seen))
}

fn reject(target: &Target, trail: &Trail, hop: u8) -> Cause {
    Cause::new(Reason::FirewallReject, Who::Network, fix::allow(target)).at_hop(trail.at(hop))
}
