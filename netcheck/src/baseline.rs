//! A run from an open network as control: what fails there too is the service's fault.

use std::collections::BTreeMap;
use std::path::Path;

use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::failure::Code;
use netcheck_record::record::{Record, Verdict};

use crate::records;
use crate::standing;

/// How targets failed on the open network.
pub(crate) type Baseline = BTreeMap<String, Code>;

/// Reads the records of an open network.
///
/// # Errors
/// The file cannot be read or holds no record.
pub(crate) fn read(file: &Path) -> Result<Baseline, String> {
    let loaded = records::read(&[file.to_path_buf()])?;
    if loaded.records.is_empty() {
        return Err(format!("{}: no record in it", file.display()));
    }
    Ok(of(loaded.records))
}

/// How targets failed in these records.
pub(crate) fn of(records: Vec<Record>) -> Baseline {
    let bad = records.into_iter().filter(|record| !standing::usable(record));
    bad.filter_map(|record| Some((record.target, record.failure?.code))).collect()
}

/// Lays the blame for what fails the same way in both on the service. What was observed stays.
pub(crate) fn apply(records: &mut [Record], baseline: &Baseline) {
    for record in records {
        let code = record.failure.as_ref().map(|failure| failure.code);
        if standing::usable(record) || code.is_none() || code != baseline.get(&record.target).copied() {
            continue;
        }
        let fix = format!(
            "Nothing in this network: {} fails the same way from an open network; tell its operator.",
            record.target
        );
        let cause = Cause::new(Reason::ServiceDown, Who::Service, fix).sure(Confidence::Medium);
        record.cause = Some(cause.seen(match code {
            Some(code) => format!("the baseline run, from an open network, ended with {code} too"),
            None => "the baseline run failed too".to_owned(),
        }));
        record.verdict = Verdict::Degraded;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(code: &str) -> Record {
        serde_json::from_value(
            json!({ "v": 1, "ts": "", "check": "tcp", "target": "tcp://a:1", "verdict": "fail",
            "stages": [], "failure": { "code": code, "detail": "" } }),
        )
        .unwrap()
    }

    #[test]
    fn what_fails_the_same_way_in_both_is_the_services_fault() {
        let baseline = Baseline::from([("tcp://a:1".to_owned(), Code::TcpTimeout)]);
        let mut records = [record("tcp.timeout")];
        apply(&mut records, &baseline);
        assert_eq!(records[0].verdict, Verdict::Degraded);
        assert_eq!(records[0].cause.as_ref().map(|cause| cause.who), Some(Who::Service));
        assert_eq!(records[0].failure.as_ref().map(|failure| failure.code), Some(Code::TcpTimeout));
    }

    #[test]
    fn what_fails_another_way_stays_the_networks() {
        let baseline = Baseline::from([("tcp://a:1".to_owned(), Code::TcpRefused)]);
        let mut records = [record("tcp.timeout")];
        apply(&mut records, &baseline);
        assert_eq!(records[0].verdict, Verdict::Fail);
    }
}
