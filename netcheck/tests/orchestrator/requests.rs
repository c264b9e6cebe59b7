//! What a firewall engineer needs to act on a request, from the demonstration's records.

use std::path::Path;

use serde_json::{Value, json};

use crate::fake::netcheck;

fn requests(format: &str) -> String {
    let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/corporate.jsonl");
    let output = netcheck().args(["report", "--requests", "--format", format]).arg(records).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_request_answers_a_firewall_engineers_whole_checklist() {
    let all: Vec<Value> = serde_json::from_str(&requests("json")).unwrap();
    let expected = json!({
        "to": "network",
        "required": true,
        "finding": "f1",
        "action": "allow",
        "direction": "outbound",
        "source": { "address": "10.20.0.10", "interface": "eth0" },
        "destinations": [{
            "rule": "{eu,us,ap}-channel.spotme.com",
            "addresses": ["13.228.50.1", "52.28.30.1", "54.208.40.1"],
            "protocol": "TCP",
            "ports": "10040-10050",
        }],
        "requirements": ["ingest"],
        "reason": "live-stream ingest",
        "near": "10.20.0.1",
        "evidence": "no answer within 5 s; the packets die at or after 10.20.0.1, one hop from here; TCP 443 of the \
                     same address answers",
        "seen": "2026-11-22T21:43:07Z",
        "text": "Allow outbound TCP 10040-10050 to {eu,us,ap}-channel.spotme.com (now 13.228.50.1, 52.28.30.1, \
                 54.208.40.1), from 10.20.0.10 (eth0), at 10.20.0.1 or at the next device. Needed for: live-stream \
                 ingest (required). Evidence: no answer within 5 s; the packets die at or after 10.20.0.1, one hop from \
                 here; TCP 443 of the same address answers. Seen 2026-11-22 21:43:07 UTC.",
    });
    assert_eq!(all.first(), Some(&expected));
}

#[test]
fn every_request_of_the_demonstration_has_the_same_fields() {
    const FIELDS: [&str; 13] = [
        "action",
        "destinations",
        "direction",
        "evidence",
        "finding",
        "near",
        "reason",
        "required",
        "requirements",
        "seen",
        "source",
        "text",
        "to",
    ];
    let all: Vec<Value> = serde_json::from_str(&requests("json")).unwrap();
    let fields = |request: &Value| {
        let mut fields: Vec<String> = request.as_object().unwrap().keys().cloned().collect();
        fields.sort();
        fields
    };
    // A certificate's issuer has no place on the path, and only one request serves an optional requirement too.
    let without_optional = |fields: Vec<String>| {
        let varying = |field: &String| field == "near" || field == "optional_reason";
        fields.into_iter().filter(|field| !varying(field)).collect::<Vec<_>>()
    };
    let expected: Vec<String> = FIELDS.iter().map(|one| (*one).to_owned()).collect();
    let expected = without_optional(expected);
    let given: Vec<Vec<String>> = all.iter().map(|request| without_optional(fields(request))).collect();
    assert_eq!(given, vec![expected; 7]);
}
