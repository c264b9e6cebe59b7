//! What only push understands of a failure: interception it cannot survive, a wrong address, an idle time-out.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::diagnose::{self, Diagnosis, Finding};
use netcheck_common::failure::{Code, Failure};
use netcheck_common::net::Net;
use netcheck_common::record::Verdict;
use netcheck_common::signature::{self, Page};
use netcheck_common::target::Target;
use netcheck_common::tls::Trust;
use netcheck_common::trace::Observed;

use crate::facts::Facts;
use crate::hold::HOLD;

/// The cause, where push knows more than the common diagnosis.
pub async fn explain(
    target: &Target,
    facts: &Facts,
    observed: &Observed,
    net: &Diagnosis,
) -> Option<Finding> {
    let failure = observed.failure.as_ref()?;
    let last = observed.stages.last().map(|stage| stage.stage.as_str());
    let own = if last == Some(HOLD.name) {
        return cause_of_cut(target, facts, failure).map(certain);
    } else if let Some(cause) = page(target, observed, failure) {
        return Some(certain(cause));
    } else {
        inspection(target, observed, failure)
            .or_else(|| wrong_address(target, facts, observed, failure, net))?
    };
    // Its control experiments may prove what so far is only likely, and where.
    let common = diagnose::explain(target, observed, net).await;
    Some(certain(match common.map(|finding| finding.cause) {
        Some(common) if common.code == own.code => merged(own, common),
        Some(common) if common.confidence == Confidence::High => common,
        _ => own,
    }))
}

fn certain(cause: Cause) -> Finding {
    Finding { verdict: Some(Verdict::Fail), cause }
}

/// Our words, with the confidence, the place and the further evidence of the common diagnosis.
fn merged(mut own: Cause, common: Cause) -> Cause {
    own.confidence = own.confidence.max(common.confidence);
    own.near = own.near.or(common.near);
    let known = own.evidence.clone();
    own.evidence.extend(common.evidence.into_iter().skip(1).filter(|one| !known.contains(one)));
    own
}

/// The service itself closed an idle connection: that says nothing of the network.
#[must_use]
pub fn closed_while_idle(failure: &Failure) -> Cause {
    let fix = "No change in the network: nobody was logged in; hold for less time, or watch a real device.";
    Cause::new(Reason::Unknown, Who::Service, fix)
        .with_confidence(Confidence::Medium)
        .with_evidence(failure.detail.clone())
        .with_evidence("the close was said inside intact TLS, where only the service can speak")
}

/// The service answers no close request at all: whether the idle connection was still open is not known.
#[must_use]
pub fn no_answer_to_close(failure: &Failure) -> Cause {
    let fix = "No change known to be needed: whether idle connections survive here could not be found out.";
    Cause::new(Reason::Unknown, Who::Unknown, fix).with_evidence(failure.detail.clone())
}

/// Why an idle push connection was cut, where an experiment tells.
fn cause_of_cut(target: &Target, facts: &Facts, failure: &Failure) -> Option<Cause> {
    if failure.code == Code::PushNotOrigin {
        return None;
    }
    let (host, port) = (&target.host, target.port());
    let fix = format!(
        "Let idle TCP connections to {host} port {port} stay open for 30 minutes or more (session timeout)."
    );
    let cause = Cause::new(Reason::IdleTimeout, Who::Network, fix).with_evidence(failure.detail.clone());
    let control = facts.hold.as_ref().and_then(|hold| hold.control_alive);
    Some(match control {
        // A firewall's timer and one of the service's own balancer look alike from here.
        Some(true) => cause
            .with_confidence(Confidence::Medium)
            .with_evidence("a fresh connection to the same address, closed at once, was answered"),
        // Whoever is on the path, and the service too, can cut a connection like this.
        _ => cause.with_confidence(Confidence::Low),
    })
}

/// A page that is known to stand for somebody else.
fn page(target: &Target, observed: &Observed, failure: &Failure) -> Option<Cause> {
    let matched = signature::match_page(observed.path.answer.as_ref()?)?;
    let (host, port) = (&target.host, target.port());
    let (reason, fix) = match matched.page {
        Page::Block => {
            (Reason::BlockPage, format!("Allow TLS to {host} on TCP {port} without filtering or decryption."))
        }
        Page::Portal => (
            Reason::CaptivePortal,
            format!("Log in to this network's portal, or exempt {host} TCP {port} from it."),
        ),
    };
    Some(
        Cause::new(reason, Who::Network, fix)
            .with_confidence(Confidence::Medium)
            .with_evidence(failure.detail.clone())
            .with_evidence(format!("{}: {}", matched.vendor, matched.mark)),
    )
}

/// TLS was opened by somebody this system trusts and the public does not.
fn inspection(target: &Target, observed: &Observed, failure: &Failure) -> Option<Cause> {
    if observed.path.trust != Some(Trust::System) {
        return None;
    }
    let chain = observed.path.chain.as_ref()?;
    let (host, port) = (&target.host, target.port());
    let fix = format!(
        "Exempt {host} TCP {port} from TLS decryption (inspection): push services do not survive it, even where devices trust it."
    );
    let cause = Cause::new(Reason::TlsInspection, Who::Network, fix)
        .with_confidence(Confidence::Medium)
        .with_evidence(format!(
            "the certificate is signed by {}, which this system's trust store knows",
            chain.issuer()
        ))
        .with_evidence("neither the public roots nor the service's own sign it");
    let cause = match chain.vendor() {
        Some(vendor) => cause.with_evidence(format!("the issuer is that of {vendor}")),
        None => cause,
    };
    Some(if failure.code == Code::TlsUntrusted { cause } else { cause.with_evidence(failure.detail.clone()) })
}

/// The resolver named an address that is not the service's, and the service is not there.
fn wrong_address(
    target: &Target,
    facts: &Facts,
    observed: &Observed,
    failure: &Failure,
    net: &Net,
) -> Option<Cause> {
    let networks = facts.networks.as_ref()?;
    let resolved = observed.stages.first().is_some_and(|stage| stage.stage == "dns" && stage.ok);
    // A second opinion on names, where one was asked for, is better evidence; a tunnel's own addresses are no lie.
    let better = net.flags().reference_resolver.is_some() || observed.path.private_answer;
    let imposter = matches!(failure.code, Code::TlsUntrusted | Code::TlsNameMismatch | Code::TlsNotTls);
    if networks.owner.is_some() || !resolved || better || !imposter {
        return None;
    }
    let (host, address) = (&target.host, observed.path.peer?.ip());
    let rule = crate::service::Service::of(target).owner().rule();
    let fix = format!(
        "Have the resolver answer for {host} with the addresses its owner publishes ({rule}), not {address}."
    );
    Some(
        Cause::new(Reason::DnsHijack, Who::Dns, fix)
            .with_confidence(Confidence::Medium)
            .at_hop(Some(address))
            .with_evidence(format!("the resolver says {address}, which is not in {rule}"))
            .with_evidence(failure.detail.clone()),
    )
}
