//! Silence of a service that need not answer is proof of a block only where it fits what else of UDP was seen.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netcheck_record::cause::{Cause, Confidence, Reason};
use netcheck_record::record::{Record, Verdict};

use super::direct;
use crate::standing;
use crate::target::Place;

/// Takes the proof away where datagrams to services that are known to answer stop at another place, or where somebody
/// else's pass on the same port: the block that was proven is another one.
pub(super) fn apply(records: &mut [Record]) {
    let stops: BTreeSet<IpAddr> =
        records.iter().filter(|record| record.verdict == Verdict::Fail).filter_map(stop).collect();
    let open: BTreeSet<u16> = records
        .iter()
        .filter(|record| direct(record) && record.verdict == Verdict::Pass)
        .filter_map(|record| udp(&record.target))
        .collect();
    for record in records.iter_mut().filter(|record| mute(record)) {
        let passing = udp(&record.target).filter(|port| open.contains(port));
        let farther = stop(record).is_some_and(|place| !stops.is_empty() && !stops.contains(&place));
        let doubt = match passing {
            Some(port) => format!("UDP {port} to another service passes in the same run"),
            None if farther => "datagrams to services that are known to answer stop elsewhere".to_owned(),
            None => continue,
        };
        record.cause = record.cause.take().map(|cause| cause.sure(Confidence::Low).seen(doubt));
    }
}

/// Whether it stayed silent, need not answer, and was taken for blocked all the same.
fn mute(record: &Record) -> bool {
    standing::flag(record, "known_to_answer") == Some(false)
        && record.verdict == Verdict::Inconclusive
        && blocked(record).is_some_and(|cause| cause.confidence == Confidence::High)
}

fn blocked(record: &Record) -> Option<&Cause> {
    record.cause.as_ref().filter(|cause| cause.code == Reason::UdpBlocked)
}

/// Where the datagrams of a record that was taken for blocked stop.
fn stop(record: &Record) -> Option<IpAddr> {
    blocked(record)?.near
}

fn udp(target: &str) -> Option<u16> {
    let place = Place::of(target);
    (place.transport() == "UDP").then_some(place.port)?
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(target: &str, verdict: &str, near: &str) -> Record {
        let known: Value =
            if verdict == "inconclusive" { json!({ "known_to_answer": false }) } else { json!({}) };
        let mut record = json!({ "v": 1, "ts": "", "check": "udp", "target": target, "verdict": verdict, "stages": [],
            "path": { "via": "direct" }, "labels": known });
        if verdict != "pass" {
            record["failure"] = json!({ "code": "udp.timeout", "detail": "" });
            record["cause"] = json!({ "code": "udp_blocked", "who": "network", "confidence": "high", "near": near,
                "evidence": [], "fix": "Allow it." });
        }
        serde_json::from_value(record).unwrap()
    }

    fn confidence(mut records: Vec<Record>) -> Confidence {
        apply(&mut records);
        records[0].cause.as_ref().unwrap().confidence
    }

    #[test]
    fn silence_beyond_the_block_of_others_proves_nothing() {
        let media = record("stun://a:443", "inconclusive", "10.30.0.2");
        let control = record("stun://b:19302", "fail", "10.20.0.1");
        assert_eq!(confidence(vec![media, control]), Confidence::Low);
    }

    #[test]
    fn silence_on_a_port_that_passes_elsewhere_proves_nothing() {
        let media = record("stun://a:443", "inconclusive", "10.20.0.1");
        assert_eq!(confidence(vec![media.clone(), record("quic://b:443", "pass", "")]), Confidence::Low);
        assert_eq!(confidence(vec![media, record("https://b:443", "pass", "")]), Confidence::High);
    }

    #[test]
    fn silence_that_stops_where_all_udp_stops_is_the_same_block() {
        let media = record("stun://a:443", "inconclusive", "10.20.0.1");
        let control = record("stun://b:19302", "fail", "10.20.0.1");
        assert_eq!(confidence(vec![media, control]), Confidence::High);
    }
}
