//! Row verdicts that the fake tools of the integration tests do not reach.

use serde_json::json;

use super::*;

fn record(target: &str, verdict: &str, code: Option<&str>, labels: serde_json::Value) -> Record {
    let mut record = json!({ "v": 1, "ts": "", "check": "x", "target": target, "verdict": verdict, "stages": [],
        "labels": labels });
    if let Some(code) = code {
        record["failure"] = json!({ "code": code, "detail": "" });
    }
    serde_json::from_value(record).unwrap()
}

fn state(records: &[Record], expected: u64) -> State {
    of("row", records.iter().collect(), expected, None).state
}

#[test]
fn nothing_that_was_looked_at_is_not_checked() {
    assert_eq!(state(&[], 3), State::NotChecked);
}

#[test]
fn a_missing_record_takes_the_pass_away_and_not_the_failure() {
    let pass = record("https://a:443", "pass", None, json!({}));
    let fail = record("https://b:443", "fail", Some("tcp.timeout"), json!({}));
    assert_eq!(state(std::slice::from_ref(&pass), 2), State::NotChecked);
    assert_eq!(state(&[pass, fail], 3), State::Fail);
}

#[test]
fn a_row_whose_only_witness_need_not_answer_is_inconclusive() {
    let silent =
        record("stun://a:443", "inconclusive", Some("udp.timeout"), json!({ "known_to_answer": false }));
    assert_eq!(state(&[silent], 1), State::Inconclusive);
}

#[test]
fn a_row_whose_unconfirmed_hosts_all_do_not_exist_is_inconclusive() {
    let absent = record("https://a:443", "fail", Some("dns.nxdomain"), json!({ "confirmed": false }));
    assert_eq!(state(&[absent], 1), State::Inconclusive);
}

#[test]
fn some_couriers_blocked_is_degraded() {
    let records = [
        record("apns://1-courier:5223", "pass", None, json!({})),
        record("apns://2-courier:5223", "fail", Some("tcp.timeout"), json!({})),
        record("apns://1-courier:443", "fail", Some("tcp.timeout"), json!({ "way": "fallback" })),
    ];
    let standing = of("apns", records.iter().collect(), 3, None);
    assert_eq!(standing.state, State::Degraded);
    assert_eq!(standing.notes, ["1 of 2 hosts work on TCP 5223"]);
}

#[test]
fn the_main_port_alone_is_degraded_too() {
    let records = [
        record("apns://1-courier:5223", "pass", None, json!({})),
        record("apns://1-courier:443", "fail", Some("tcp.timeout"), json!({ "way": "fallback" })),
    ];
    assert_eq!(state(&records, 2), State::Degraded);
}

#[test]
fn an_advisory_target_of_a_required_row_is_said_and_not_counted() {
    let records = [
        record("apns://1-courier:5223", "pass", None, json!({ "required": true })),
        record("apns-provider://api:2197", "fail", Some("tcp.refused"), json!({ "required": false })),
    ];
    let standing = of("apns", records.iter().collect(), 1, None);
    assert_eq!((standing.state, standing.good, standing.total), (State::Pass, 1, 1));
    assert_eq!(standing.notes, ["advisory, not counted: apns-provider://api:2197 tcp.refused"]);
}

#[test]
fn a_service_that_refuses_on_every_port_is_remarked_on() {
    let idle = |port: u16| {
        let mut record = record(&format!("rtmps://a:{port}"), "degraded", Some("tcp.refused"), json!({}));
        record.cause =
            serde_json::from_value(json!({ "code": "port_idle", "who": "service", "confidence": "high",
            "evidence": [], "fix": "" }))
            .unwrap();
        record
    };
    let refused = [idle(10000), idle(10001)];
    let standing = of("ingest", refused.iter().collect(), 2, None);
    assert_eq!(standing.state, State::Degraded);
    assert_eq!(standing.notes.len(), 1, "{:?}", standing.notes);
    let open = record("rtmps://a:10002", "pass", None, json!({}));
    assert!(of("ingest", refused.iter().chain([&open]).collect(), 3, None).notes.is_empty());
}

#[test]
fn silence_that_a_control_explains_is_a_failure() {
    let mut silent =
        record("stun://a:443", "inconclusive", Some("udp.timeout"), json!({ "known_to_answer": false }));
    silent.cause =
        serde_json::from_value(json!({ "code": "udp_blocked", "who": "network", "confidence": "high",
        "evidence": [], "fix": "" }))
        .unwrap();
    let works = record("https://a:443", "pass", None, json!({}));
    let records = [silent, works];
    let standing = of("video", records.iter().collect(), 2, None);
    assert_eq!((standing.state, standing.notes.len()), (State::Fail, 0));
}
