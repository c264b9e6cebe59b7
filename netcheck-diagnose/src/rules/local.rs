//! Causes of silence that begins on this machine, or that everything shares.

use std::net::SocketAddr;

use crate::Diagnosis;
use crate::boundary::Boundary;
use crate::outside;
use crate::trail::{self, Trail};
use crate::{Finding, fix};
use netcheck_net::device::{self, Device};
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::failure::Failure;
use netcheck_record::fix::Fix;
use netcheck_record::target::Target;

/// Silence before the first hop, or behind it towards every destination.
pub(super) async fn explain(
    target: &Target,
    to: SocketAddr,
    trail: &Trail,
    sibling_answers: bool,
    net: &Diagnosis,
) -> Option<Finding> {
    if !trail.walked || trail.blind {
        return None;
    }
    if let Boundary::Confirmed(1, hop) = net.boundary(to).await {
        return Some(before_the_first_hop(target, to, hop, net).await);
    }
    let only_first = trail.hops.iter().all(|(hop, _)| *hop <= 1) && trail.answered.is_none();
    if !only_first || sibling_answers {
        return None;
    }
    let first = net.cut_off(to.is_ipv6()).await?;
    let cause = Cause::new(Reason::Offline, Who::Network, Fix::Connect { this_machine: false })
        .at_hop(Some(first))
        .with_confidence(Confidence::Medium)
        .with_evidence(format!("packets for {} die at or after {first}, the first hop", target.authority()))
        .with_evidence(nothing_outside(to.is_ipv6()));
    Some(Finding::of(cause))
}

/// The evidence of it.
pub(super) fn nothing_outside(v6: bool) -> String {
    let [one, other] = outside::destinations(v6);
    format!(
        "so do packets for {one} and {other}, which have nothing to do with it: no hop beyond the first answers"
    )
}

/// Packets for this flow that should die at the first hop draw no answer, others do: they do not leave this machine, or
/// they leave it elsewhere.
async fn before_the_first_hop(
    target: &Target,
    to: SocketAddr,
    hop: std::net::IpAddr,
    net: &Diagnosis,
) -> Finding {
    let elsewhere = SocketAddr::new(outside::destinations(to.is_ipv6())[0], outside::WEB);
    let (own, other) = tokio::join!(trail::egress(net, to), trail::egress(net, elsewhere));
    let seen =
        "packets for this port that should die at the first hop drew no answer, as often as they were sent";
    let control = format!("others sent in turn with them drew one from {hop} each time");
    let cause = match (own, other) {
        (Some(own), Some(other)) if own.name != other.name => other_way(target, &own, &other),
        _ => Cause::new(Reason::LocalFirewall, Who::Local, fix::allow(target).on_this_machine())
            .with_confidence(Confidence::Medium),
    };
    Finding::of(cause.with_evidence(seen).with_evidence(control))
}

/// A rule of this machine sends this flow over an interface of its own.
fn other_way(target: &Target, own: &Device, other: &Device) -> Cause {
    let reason = if own.tunnel { Reason::LocalAgent } else { Reason::Unknown };
    let fix = format!(
        "On this machine: correct the routing rule that sends {} over {}, or repair what is behind that interface.",
        fix::what(target),
        own.name
    );
    let seen = format!("this flow leaves this machine over {}, others over {}", own.name, other.name);
    Cause::new(reason, Who::Local, fix).with_evidence(seen)
}

/// The kernel says that the next hop does not answer: this one host, or the way to everything?
pub(super) async fn no_neighbour(
    target: &Target,
    to: SocketAddr,
    failure: &Failure,
    net: &Diagnosis,
) -> Finding {
    if device::is_on_link(to.ip()) {
        let fix = format!("Check that {} runs: nothing on this machine's link has its address.", to.ip());
        let cause = Cause::new(Reason::ServiceDown, Who::Service, fix).with_evidence(failure.detail.clone());
        return Finding::of(cause);
    }
    let fix =
        format!("Check this machine's network: the next hop towards {} does not answer.", target.authority());
    let outside = if net.diagnoses() { Some(net.outside(to.is_ipv6()).await) } else { None };
    let cause = match outside {
        Some(outside) if outside.first_hop.is_none() && !outside.answers && !outside.blind => {
            let [one, other] = outside::destinations(to.is_ipv6());
            Cause::new(Reason::Offline, Who::Local, fix)
                .with_confidence(Confidence::Medium)
                .with_evidence(failure.detail.clone())
                .with_evidence(format!("nothing answers packets for {one} and {other} either"))
        }
        _ => Cause::new(Reason::Unknown, Who::Local, fix).with_evidence(failure.detail.clone()),
    };
    Finding::of(cause)
}
