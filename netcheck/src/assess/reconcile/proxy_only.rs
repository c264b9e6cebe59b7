//! "Nothing answers" is no outage where a proxy carries other targets.

use netcheck_record::cause::{Confidence, Reason, Who};

use super::{cause, change};
use crate::records::Observation;

/// Where something works through a proxy, a target that goes round it and finds nothing is kept in by a firewall that
/// lets only the proxy out.
pub(super) fn apply(observations: &mut [Observation]) {
    if !observations.iter().any(|one| one.proxied() && one.usable()) {
        return;
    }
    let offline = |one: &&mut Observation| !one.proxied() && one.reason() == Some(Reason::Offline);
    for observation in observations.iter_mut().filter(offline) {
        let mut found = cause(Reason::FirewallDrop, Who::Network, Confidence::Medium);
        found.near = observation.near();
        change(
            observation,
            found,
            "other targets work through the proxy, so the network itself is up".to_owned(),
        );
    }
}
