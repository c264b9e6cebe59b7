//! What a single tool cannot know: "nothing answers" is no outage where the proxy carries other rows.

use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::record::Record;

use crate::standing;
use crate::target::Place;

/// Where something works through a proxy, a target that goes round it and finds nothing is kept in by a firewall that
/// lets only the proxy out. What was observed stays.
pub(super) fn apply(records: &mut [Record]) {
    let proxied = |record: &Record| record.path.as_ref().is_some_and(|path| path.via == "proxy");
    if !records.iter().any(|record| proxied(record) && standing::usable(record)) {
        return;
    }
    for record in records.iter_mut().filter(|record| !proxied(record)) {
        let Some(old) = record.cause.as_ref().filter(|cause| cause.code == Reason::Offline) else { continue };
        let place = Place::of(&record.target);
        let port = place.port.map_or(String::new(), |port| format!(" {port}"));
        let (host, transport, protocol) = (&place.host, place.transport(), place.protocol());
        let fix = format!(
            "Allow {transport}{port} to {host} ({protocol}) directly: it does not go through the proxy."
        );
        let mut cause =
            Cause::new(Reason::FirewallDrop, Who::Network, fix).sure(Confidence::Medium).near(old.near);
        cause.evidence.clone_from(&old.evidence);
        record.cause = Some(cause.seen("other targets work through the proxy, so the network itself is up"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(target: &str, verdict: &str, more: &Value) -> Record {
        let mut record =
            json!({ "v": 1, "ts": "", "check": "x", "target": target, "verdict": verdict, "stages": [] });
        for (key, value) in more.as_object().unwrap() {
            record[key] = value.clone();
        }
        serde_json::from_value(record).unwrap()
    }

    fn offline() -> Record {
        let cause = json!({ "code": "offline", "who": "network", "confidence": "medium", "near": "10.20.0.1",
            "evidence": ["silence"], "fix": "x" });
        let failure = json!({ "code": "tcp.timeout", "detail": "" });
        record("apns://a:5223", "fail", &json!({ "cause": cause, "failure": failure }))
    }

    #[test]
    fn silence_beside_a_working_proxy_is_a_firewall() {
        let proxied = record("https://b:443", "pass", &json!({ "path": { "via": "proxy" } }));
        let mut records = [offline(), proxied];
        apply(&mut records);
        let cause = records[0].cause.as_ref().unwrap();
        assert_eq!(cause.code, Reason::FirewallDrop);
        assert_eq!(cause.near, Some("10.20.0.1".parse().unwrap()));
        assert_eq!(cause.fix, "Allow TCP 5223 to a (Apple push) directly: it does not go through the proxy.");
    }

    #[test]
    fn silence_everywhere_stays_an_outage() {
        let mut records = [offline(), offline()];
        apply(&mut records);
        assert_eq!(records[0].cause.as_ref().map(|cause| cause.code), Some(Reason::Offline));
    }
}
