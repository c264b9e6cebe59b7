//! Certificates that look out of date because the clock is wrong, as a host with a date of its own has proven.

use netcheck_record::cause::{Cause, Confidence, Reason};
use netcheck_record::failure::Code;
use netcheck_record::record::Record;

use crate::standing;

/// Services without a date of their own look expired by the same clock: it is no fault of theirs.
pub(super) fn apply(records: &mut [Record]) {
    for code in [Code::TlsExpired, Code::TlsNotYetValid] {
        let of_code = |record: &Record| record.failure.as_ref().is_some_and(|failure| failure.code == code);
        let Some(clock) = records.iter().filter(|record| of_code(record)).find_map(proven) else { continue };
        for record in records.iter_mut().filter(|record| of_code(record) && unproven(record)) {
            let mut cause =
                Cause::new(Reason::ClockSkew, clock.who, clock.fix.clone()).sure(Confidence::Medium);
            cause.evidence = record.cause.take().map(|old| old.evidence).unwrap_or_default();
            record.cause = Some(cause.seen("the clock is proven to be wrong in the same run"));
        }
    }
}

fn proven(record: &Record) -> Option<Cause> {
    let cause = record.cause.as_ref()?;
    (cause.code == Reason::ClockSkew && cause.confidence == Confidence::High).then(|| cause.clone())
}

fn unproven(record: &Record) -> bool {
    let open = record.cause.as_ref().is_none_or(|cause| {
        matches!(cause.code, Reason::ServiceMisconfigured | Reason::Unknown)
            && cause.confidence == Confidence::Low
    });
    open && !standing::usable(record)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(failure: &str, cause: &str, confidence: &str) -> Record {
        serde_json::from_value(json!({ "v": 1, "ts": "", "check": "x", "target": "apns://a:5223",
            "verdict": "fail", "stages": [], "failure": { "code": failure, "detail": "" },
            "cause": { "code": cause, "who": "service", "confidence": confidence, "evidence": [], "fix": cause } }))
        .unwrap()
    }

    fn reason(other: Record) -> Reason {
        let mut records = [record("tls.expired", "clock_skew", "high"), other];
        apply(&mut records);
        records[1].cause.as_ref().unwrap().code
    }

    #[test]
    fn a_clock_that_is_proven_wrong_explains_the_same_fault_elsewhere() {
        assert_eq!(reason(record("tls.expired", "service_misconfigured", "low")), Reason::ClockSkew);
    }

    #[test]
    fn a_clock_explains_no_other_fault() {
        let misconfigured = Reason::ServiceMisconfigured;
        assert_eq!(reason(record("tls.not_yet_valid", "service_misconfigured", "low")), misconfigured);
        assert_eq!(reason(record("tls.expired", "service_misconfigured", "high")), misconfigured);
        assert_eq!(reason(record("tls.name_mismatch", "service_misconfigured", "low")), misconfigured);
    }
}
