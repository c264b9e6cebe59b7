//! Causes of an answer that cannot be a public name's: a filter, a local agent, or a zero-trust client that works.

use std::net::IpAddr;

use crate::Diagnosis;
use crate::Observed;
use crate::{Finding, fix};
use netcheck_net::dns::scope::{self, Scope};
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::failure::Failure;
use netcheck_record::record::Verdict;
use netcheck_record::target::Target;

/// The service proved itself behind such an address: a client of this machine or a gateway carries the connection.
pub(super) async fn proven(
    target: &Target,
    observed: &Observed,
    failure: &Failure,
    net: &Diagnosis,
) -> Finding {
    let fix = format!(
        "If {} is meant to pass through a VPN or zero-trust client, nothing; else have the resolver give its public addresses.",
        target.host
    );
    let carrier = carrier(target, observed, net).await;
    let (reason, who) =
        carrier.as_ref().map_or((Reason::TransparentProxy, Who::Dns), |found| (found.code, found.who));
    let mut cause = Cause::new(reason, who, fix)
        .at_hop(carrier.as_ref().and_then(|found| found.near))
        .with_confidence(Confidence::Medium)
        .with_evidence(failure.detail.clone())
        .with_evidence("the service's own certificate was presented there");
    cause = carrier.into_iter().flat_map(|found| found.evidence).fold(cause, Cause::with_evidence);
    Finding::with(Verdict::Degraded, used_by_agents(observed).into_iter().fold(cause, Cause::with_evidence))
}

/// Who carries the connection: a device on the way, or an agent of this machine.
async fn carrier(target: &Target, observed: &Observed, net: &Diagnosis) -> Option<Cause> {
    let found = match observed.path.peer {
        Some(peer) => net.interceptor(peer).await.map(|found| super::intercepted::cause(target, found)),
        None => None,
    };
    found.or_else(|| {
        let path = observed.path.path.as_ref().filter(|path| path.tunnel == Some(true))?;
        let interface = path.interface.as_deref().unwrap_or("of a VPN");
        let cause = Cause::new(Reason::LocalAgent, Who::Local, fix::bypass(target).on_this_machine());
        Some(
            cause.with_evidence(format!(
                "packets leave through the tunnel interface {interface} of this machine"
            )),
        )
    })
}

/// Nothing proved the address right.
pub(super) async fn explain(
    target: &Target,
    observed: &Observed,
    failure: &Failure,
    net: &Diagnosis,
) -> Finding {
    let private = observed.path.private_answer;
    let reason = if private { Reason::DnsHijack } else { Reason::DnsFilter };
    let mut cause = Cause::new(reason, Who::Dns, fix::resolve(target))
        .with_confidence(Confidence::Medium)
        .with_evidence(failure.detail.clone());
    if private {
        cause = cause.with_evidence("no certificate of the service proved the address right");
    } else {
        cause = cause.with_evidence("such addresses are what DNS filters answer with");
    }
    if let Some(agents) = used_by_agents(observed) {
        // The agent may be switched off, or carry something else: one sign, no more.
        cause = cause.with_evidence(agents).with_confidence(Confidence::Low);
        let found = carrier(target, observed, net).await.filter(|found| found.code == Reason::LocalAgent);
        if let Some(found) = found {
            cause = Cause { code: found.code, who: found.who, confidence: found.confidence, ..cause };
            cause = found.evidence.into_iter().fold(cause, Cause::with_evidence);
        }
    }
    if net.diagnoses()
        && let Some(found) = super::name::second_opinion(target, net).await.filter(|found| !found.is_empty())
    {
        cause = cause
            .with_confidence(Confidence::High)
            .with_evidence(format!("the reference resolver has others: {found}"));
    }
    Finding::of(cause)
}

/// Whose kind of address it is, where it is an agent's.
fn used_by_agents(observed: &Observed) -> Option<String> {
    let addresses = &observed.path.addresses;
    let agents: Vec<&IpAddr> =
        addresses.iter().filter(|address| scope::of(**address) == Scope::Agent).collect();
    let first = agents.first().filter(|_| agents.len() == addresses.len())?;
    let is_fake = matches!(first, IpAddr::V4(address) if address.octets()[0] == 198);
    Some(if is_fake {
        format!("{first} is of 198.18.0.0/15, which \"fake IP\" agents answer with")
    } else {
        format!("{first} is of 100.64.0.0/10, which zero-trust clients and providers use")
    })
}
