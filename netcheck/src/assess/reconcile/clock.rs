//! Certificates that look out of date because the clock is wrong, as a host with a date of its own has proven.

use netcheck_record::cause::{Confidence, Reason};
use netcheck_record::failure::Code;

use super::{cause, change, proven};
use crate::records::Observation;

/// Services without a date of their own look expired by the same clock.
pub(super) fn apply(observations: &mut [Observation]) {
    for code in [Code::TlsExpired, Code::TlsNotYetValid] {
        let of_code = |observation: &&Observation| observation.code == Some(code);
        let clock = observations.iter().filter(of_code).find_map(|one| proven(one, Reason::ClockSkew));
        let Some((clock, _)) = clock else { continue };
        for observation in observations.iter_mut().filter(|one| of_code(&&**one) && unproven(one)) {
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
