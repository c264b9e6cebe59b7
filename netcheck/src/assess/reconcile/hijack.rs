//! What refuses at the address of a resolver's block page is not the service.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netcheck_record::cause::{Confidence, Reason, Who};
use netcheck_record::record::Verdict;

use super::{cause, change};
use crate::records::Observation;

/// Names that lead where other names were shown to be hijacked to are hijacked as well: a port that nobody listens on
/// there says nothing of the service's.
pub(super) fn apply(observations: &mut [Observation]) {
    let false_addresses: BTreeSet<IpAddr> =
        observations.iter().filter(|one| one.direct()).filter_map(hijacked).collect();
    for observation in observations.iter_mut().filter(|one| one.direct() && blamed(one)) {
        let Some(address) = observation.address().filter(|address| false_addresses.contains(address)) else {
            continue;
        };
        let found = cause(Reason::DnsHijack, Who::Dns, Confidence::Medium);
        change(observation, found, format!("other names of this run were hijacked to {address}"));
        observation.verdict = Verdict::Fail;
    }
}

/// The address that a name was falsely given.
fn hijacked(observation: &Observation) -> Option<IpAddr> {
    let shown = observation.reason() == Some(Reason::DnsHijack)
        && observation.confidence() >= Some(Confidence::Medium)
        && observation.verdict == Verdict::Fail;
    observation.address().filter(|_| shown)
}

/// Whether it was put down to the service.
fn blamed(observation: &Observation) -> bool {
    let of_service = observation.cause.as_ref().is_some_and(|cause| {
        cause.who == Who::Service
            && matches!(cause.reason, Reason::PortIdle | Reason::ServiceDown | Reason::ServiceMisconfigured)
    });
    of_service && observation.verdict != Verdict::Pass
}
