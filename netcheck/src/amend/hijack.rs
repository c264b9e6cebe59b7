//! What refuses at the address of a resolver's block page is not the service.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::record::{Record, Verdict};

use super::{address, direct};
use crate::target::Place;

/// Names that lead where other names were shown to be hijacked to are hijacked as well: a port that nobody listens on
/// there says nothing of the service's.
pub(super) fn apply(records: &mut [Record]) {
    let false_addresses: BTreeSet<IpAddr> =
        records.iter().filter(|record| direct(record)).filter_map(hijacked).collect();
    for record in records.iter_mut().filter(|record| direct(record) && blamed(record)) {
        let Some(address) = address(record).filter(|address| false_addresses.contains(address)) else {
            continue;
        };
        let host = Place::of(&record.target).host;
        let fix = format!(
            "Have the resolver answer {host} with its public addresses; exempt it from DNS filtering."
        );
        let mut cause = Cause::new(Reason::DnsHijack, Who::Dns, fix).sure(Confidence::Medium);
        cause.evidence = record.cause.take().map(|old| old.evidence).unwrap_or_default();
        record.cause = Some(cause.seen(format!("other names of this run were hijacked to {address}")));
        record.verdict = Verdict::Fail;
    }
}

/// The address that a name was falsely given.
fn hijacked(record: &Record) -> Option<IpAddr> {
    let cause = record.cause.as_ref()?;
    let shown = cause.code == Reason::DnsHijack && cause.confidence >= Confidence::Medium;
    (shown && record.verdict == Verdict::Fail).then(|| address(record))?
}

/// Whether it was put down to the service, short of a proof.
fn blamed(record: &Record) -> bool {
    let of_service = record.cause.as_ref().is_some_and(|cause| {
        cause.who == Who::Service
            && matches!(cause.code, Reason::PortIdle | Reason::ServiceDown | Reason::ServiceMisconfigured)
    });
    of_service && record.verdict != Verdict::Pass
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(address: &str, verdict: &str, cause: &str, who: &str) -> Record {
        serde_json::from_value(
            json!({ "v": 1, "ts": "", "check": "rtmps", "target": "rtmps://eu.example:10000",
            "verdict": verdict, "stages": [], "failure": { "code": "tcp.refused", "detail": "" },
            "path": { "via": "direct", "address": address },
            "cause": { "code": cause, "who": who, "confidence": "medium", "evidence": [], "fix": "" } }),
        )
        .unwrap()
    }

    fn judged(address: &str) -> Record {
        let page = record("146.112.61.106:443", "fail", "dns_hijack", "dns");
        let mut records = [page, record(address, "degraded", "port_idle", "service")];
        apply(&mut records);
        records[1].clone()
    }

    #[test]
    fn a_port_that_is_idle_at_a_block_page_is_a_failure_of_the_resolver() {
        let record = judged("146.112.61.106:10000");
        let cause = record.cause.unwrap();
        assert_eq!((record.verdict, cause.code, cause.who), (Verdict::Fail, Reason::DnsHijack, Who::Dns));
        assert_eq!(
            cause.fix,
            "Have the resolver answer eu.example with its public addresses; exempt it from DNS filtering."
        );
    }

    #[test]
    fn a_port_that_is_idle_elsewhere_is_the_services_matter() {
        let record = judged("52.28.30.1:10000");
        assert_eq!(record.verdict, Verdict::Degraded);
        assert_eq!(record.cause.map(|cause| cause.code), Some(Reason::PortIdle));
    }
}
