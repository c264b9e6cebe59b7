//! Certificates that look out of date because the clock is wrong, as a host with a date of its own has proven.

use std::collections::BTreeSet;

use netcheck_record::cause::{Confidence, Reason};
use netcheck_record::failure::Code;

use super::{cause, change, proven};
use crate::records::Observation;

/// Services without a date of their own look expired by the same clock; and a host whose date was once seen to be
/// another one than this machine's has no certificate out of time, whatever a single answer of it said.
pub(super) fn apply(observations: &mut [Observation]) {
    for code in [Code::TlsExpired, Code::TlsNotYetValid] {
        let of_code = |observation: &&Observation| observation.code == Some(code);
        let clock = observations.iter().filter(of_code).find_map(|one| proven(one, Reason::ClockSkew));
        let Some((clock, _)) = clock else { continue };
        let agreeing: BTreeSet<String> = observations
            .iter()
            .filter(|one| of_code(one) && proven(one, Reason::ClockSkew).is_some())
            .map(|one| one.endpoint.host().to_owned())
            .collect();
        let blamed = |one: &Observation| {
            one.reason() == Some(Reason::ServiceMisconfigured) && agreeing.contains(one.endpoint.host())
        };
        let explained = |one: &&mut Observation| of_code(&&**one) && (unproven(one) || blamed(one));
        for observation in observations.iter_mut().filter(explained) {
            let found = cause(Reason::ClockSkew, clock.who, Confidence::Medium);
            change(observation, found, "the clock is proven to be wrong in the same run".to_owned());
        }
    }
}

fn unproven(observation: &Observation) -> bool {
    let open = observation.cause.as_ref().is_none_or(|cause| {
        matches!(cause.reason, Reason::ServiceMisconfigured | Reason::Unknown)
            && cause.confidence == Confidence::Low
    });
    open && !observation.usable()
}
