//! One device that answers for everybody: a portal, or whatever shows the same certificate for unrelated services.

use std::collections::{BTreeMap, BTreeSet};

use netcheck_record::cause::{Confidence, Reason, Who};

use super::{cause, change, proven};
use crate::records::Observation;
use crate::target::site;

/// From so many unrelated services on, one certificate is no mistake of theirs.
const UNRELATED: usize = 3;

/// Turns TLS faults that look like each service's own into the one finding that they are.
pub(super) fn apply(observations: &mut [Observation]) {
    let portal =
        observations.iter().filter(|one| one.direct()).find_map(|one| proven(one, Reason::CaptivePortal));
    let shared = shared(observations);
    if portal.is_none() && shared.is_empty() {
        return;
    }
    let reached: BTreeSet<(&str, u16)> = observations
        .iter()
        .filter(|one| one.direct() && one.usable())
        .filter(|one| leaf(one).is_none_or(|leaf| !shared.contains_key(leaf)))
        .filter_map(service)
        .collect();
    for observation in observations.iter_mut().filter(|one| stopped(one, portal.is_some())) {
        let count = leaf(observation).and_then(|leaf| shared.get(leaf)).copied();
        // Where nobody gets through a port, whoever answers there answers for all.
        if count.is_none() && service(observation).is_none_or(|service| reached.contains(&service)) {
            continue;
        }
        let seen = match count {
            Some(count) => format!("{count} unrelated sites of this run show the same certificate"),
            None => format!("nobody is reached on port {}", observation.port().unwrap_or_default()),
        };
        let mut found = match &portal {
            Some((portal, _)) => cause(Reason::CaptivePortal, portal.who, Confidence::Medium),
            None => cause(Reason::TransparentProxy, Who::Network, Confidence::Medium),
        };
        found.near = portal.as_ref().and_then(|(portal, _)| portal.near);
        change(observation, found, seen);
    }
}

/// Transport and port.
fn service(observation: &Observation) -> Option<(&'static str, u16)> {
    Some((observation.endpoint.transport(), observation.port()?))
}

/// Certificates shown for unrelated services, and for how many sites.
fn shared(observations: &[Observation]) -> BTreeMap<String, usize> {
    let mut shown: BTreeMap<&str, (BTreeSet<String>, BTreeSet<&str>)> = BTreeMap::new();
    for observation in observations.iter().filter(|one| stopped(one, false)) {
        if let Some(leaf) = leaf(observation) {
            let (sites, requirements) = shown.entry(leaf).or_default();
            sites.insert(site(observation.endpoint.host()));
            requirements.insert(&observation.labels.requirement);
        }
    }
    shown
        .into_iter()
        .filter(|(_, (sites, requirements))| sites.len() >= UNRELATED && requirements.len() >= UNRELATED)
        .map(|(leaf, (sites, _))| (leaf.to_owned(), sites.len()))
        .collect()
}

/// Whether TLS ended with a fault that was put down to the service, or to nobody; beside a portal, to inspection too.
fn stopped(observation: &Observation, portal: bool) -> bool {
    let reason = observation.reason().unwrap_or(Reason::Unknown);
    let open = matches!(reason, Reason::ServiceMisconfigured | Reason::Unknown)
        || portal && reason == Reason::TlsInspection;
    observation.layer() == "tls" && open && observation.direct() && !observation.usable()
}

/// The certificate that was shown.
fn leaf(observation: &Observation) -> Option<&str> {
    observation.marks.as_ref()?.leaf.as_deref()
}
