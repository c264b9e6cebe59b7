//! What a browser asks the resolver besides addresses: a note, and never a failure.

use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::tool::{Outcome, Tool};
use serde_json::Value;

use crate::front::{Front, Reaction};

/// A name that is not public, whose address may be anything.
const NAME: &str = "www.browsing.test";

/// The questions of a check of an https target whose connection is reset, and its record.
fn asked(zone: Zone, more: &[&str]) -> (Vec<String>, Outcome) {
    let front = Front::new(|_| Reaction::Reset);
    let dns = DnsServer::start(zone.a(NAME, &["127.0.0.1"]));
    let outcome = Tool::new(env!("CARGO_BIN_EXE_check-tcp"))
        .args(["--diagnose", "never", "--resolver", &dns.addr.to_string()])
        .args(more)
        .arg(format!("https://{NAME}:{}/", front.port))
        .run();
    let mut queries = dns.queries();
    queries.sort();
    (queries, outcome)
}

fn dns(outcome: &Outcome) -> &Value {
    &outcome.one()["facts"]["dns"]
}

#[test]
fn one_https_question_for_each_browsing_name_and_one_for_the_encrypted_resolver() {
    let zone = || Zone::new().https(NAME, &["h3", "h2"]).designates(&["dot"]);
    let (queries, outcome) = asked(zone(), &[]);
    let kinds: Vec<&str> = queries.iter().filter_map(|query| query.split(' ').nth(1)).collect();
    assert_eq!(kinds, ["SVCB", "A", "AAAA", "HTTPS"], "{queries:?}");
    assert_eq!(dns(&outcome)["https"], serde_json::json!({ "alpn": ["h3", "h2"], "ech": false }));
    assert_eq!(dns(&outcome)["designated"], serde_json::json!(["dot"]));
    assert_eq!(dns(&outcome)["notes"], Value::Null);
    let (queries, outcome) = asked(zone(), &["--hello", "small"]);
    assert_eq!((queries.len(), &dns(&outcome)["https"]), (2, &Value::Null), "{queries:?}");
}

#[test]
fn a_name_without_https_records_is_the_usual_case_and_no_note() {
    let (_, outcome) = asked(Zone::new(), &[]);
    assert_eq!((&dns(&outcome)["https"], &dns(&outcome)["notes"]), (&Value::Null, &Value::Null));
}

#[test]
fn dropped_and_refused_https_questions_are_notes_beside_the_same_failure() {
    let note = |zone| {
        let (_, outcome) = asked(zone, &[]);
        assert_eq!(outcome.one()["failure"]["code"], "tls.reset", "{outcome:?}");
        dns(&outcome)["notes"].as_array().map(|notes| notes[0].as_str().unwrap_or_default().to_owned())
    };
    let dropped = note(Zone::new().without_https(NAME)).unwrap_or_default();
    assert!(
        dropped.contains("did not answer the question for HTTPS records (type 65), asked twice"),
        "{dropped}"
    );
    let refused = note(Zone::new().refusing_https(NAME, 5)).unwrap_or_default();
    assert!(
        refused.contains("answered the question for HTTPS records (type 65) with dns.refused"),
        "{refused}"
    );
}

#[test]
fn https_records_that_only_the_reference_resolver_has_are_a_note() {
    let stripped = |reference: Zone| {
        let other = DnsServer::start(reference.a(NAME, &["127.0.0.1"]));
        let (_, outcome) = asked(Zone::new(), &["--reference-resolver", &other.addr.to_string()]);
        (dns(&outcome)["notes"].clone(), other.queries())
    };
    let (notes, _) = stripped(Zone::new().https(NAME, &["h3", "h2"]));
    let note = notes[0].as_str().unwrap_or_default();
    assert!(
        note.contains(&format!(
            "has no HTTPS record (type 65) of {NAME}, the reference resolver has one (ALPN h3, h2)"
        )),
        "{notes}"
    );
    let (notes, queries) = stripped(Zone::new());
    assert_eq!((&notes, queries.len()), (&Value::Null, 1), "{queries:?}");
}
