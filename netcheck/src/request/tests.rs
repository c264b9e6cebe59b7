//! Fixes merged without saying more than the records say.

use serde_json::json;

use super::*;

fn blocked(host: &str, port: u16, fix: &str) -> Record {
    serde_json::from_value(json!({ "v": 1, "ts": "", "check": "tcp", "target": format!("tcp://{host}:{port}"),
        "verdict": "fail", "stages": [], "failure": { "code": "tcp.timeout", "detail": "" },
        "cause": { "code": "firewall_drop", "who": "network", "confidence": "low", "evidence": [], "fix": fix } }))
    .unwrap()
}

fn fixes(records: &[Record]) -> Vec<String> {
    groups(&records.iter().collect::<Vec<_>>()).iter().flat_map(Group::fixes).collect()
}

#[test]
fn hosts_and_ports_that_share_a_sentence_share_it() {
    let records: Vec<Record> = ["a.example", "b.example"]
        .iter()
        .flat_map(|host| {
            (1..=3).map(move |port| blocked(host, port, &format!("Allow TCP {port} to {host}.")))
        })
        .collect();
    assert_eq!(fixes(&records), ["Allow TCP 1-3 to a.example, b.example."]);
}

#[test]
fn hosts_with_other_ports_are_not_given_each_others() {
    let records = [
        blocked("a.example", 1, "Allow TCP 1 to a.example."),
        blocked("b.example", 2, "Allow TCP 2 to b.example."),
    ];
    assert_eq!(fixes(&records), ["Allow TCP 1 to a.example.", "Allow TCP 2 to b.example."]);
}

#[test]
fn several_hosts_do_not_share_one_colon() {
    let fix =
        |host: &str| format!("Nothing in this network: tell the operator of {host}:443 that it is old.");
    let records =
        [blocked("a.example", 443, &fix("a.example")), blocked("b.example", 443, &fix("b.example"))];
    let told =
        "Nothing in this network: tell the operator of a.example, b.example on port 443 that it is old.";
    assert_eq!(fixes(&records), [told]);
    assert_eq!(fixes(&records[..1]), [fix("a.example")]);
}

#[test]
fn a_port_inside_another_number_or_an_address_stays() {
    let records = [
        blocked("a.example", 443, "Allow 443 (not 4430) via 10.443.0.1, 443."),
        blocked("a.example", 444, "Allow 444 (not 4430) via 10.443.0.1, 444."),
    ];
    assert_eq!(fixes(&records), ["Allow 443-444 (not 4430) via 10.443.0.1, 443-444."]);
}

#[test]
fn a_failure_without_a_cause_asks_to_find_out() {
    let mut record = blocked("a.example", 443, "");
    record.cause = None;
    let asked = ["Find out why TCP to a.example on TCP 443 does not work (observed: tcp.timeout)."];
    assert_eq!(fixes(&[record]), asked);
}

#[test]
fn one_resolver_is_asked_once_for_the_names_of_every_row() {
    let of = |row: &str, host: &str, port: u16, code: &str, fix: &str| {
        let mut record = blocked(host, port, &fix.replace("HOST", host));
        record.cause.as_mut().unwrap().code = serde_json::from_value(json!(code)).unwrap();
        record.cause.as_mut().unwrap().who = Who::Dns;
        record.labels = json!({ "row": row }).as_object().cloned();
        record
    };
    let asked = |code: &str, fix: &str| {
        let records = [("a.example", 1), ("b.example", 2), ("c.example", 2), ("d.example", 2)]
            .map(|(host, port)| of(host, host, port, code, fix));
        let standings: Vec<Standing> = records
            .iter()
            .map(|record| standing::of(record.target.as_str(), vec![record], 1, None))
            .collect();
        let mut all = requests(&standings);
        assert_eq!(all.len(), 1);
        all.swap_remove(0).1.into_iter().map(|line| (line.fix, line.rows.len())).collect::<Vec<_>>()
    };
    let filtered = asked("dns_filter", "Have the resolver answer HOST.");
    assert_eq!(
        filtered,
        [("Have the resolver answer a.example, b.example, c.example, d.example.".to_owned(), 4)]
    );
    let out = asked("dns_outage", "Repair it: without it HOST cannot be found.");
    assert_eq!(
        out,
        [("Repair it: without it a.example, b.example, c.example and 1 more cannot be found.".to_owned(), 4)]
    );
}

#[test]
fn one_rule_for_two_protocols_is_asked_for_once() {
    let records = [
        blocked("a.example", 443, "Allow TCP 443 to a.example (HTTPS over TCP)."),
        blocked("a.example", 443, "Allow TCP 443 to a.example (WebSocket over TLS over TCP)."),
    ];
    assert_eq!(
        fixes(&records),
        ["Allow TCP 443 to a.example (HTTPS over TCP, WebSocket over TLS over TCP)."]
    );
}

#[test]
fn what_is_proven_to_be_blocked_is_asked_for_even_where_silence_is_allowed() {
    let silent = |confidence: &str| -> Record {
        serde_json::from_value(json!({ "v": 1, "ts": "", "check": "udp", "target": "stun://a.example:443",
            "verdict": "inconclusive", "stages": [], "failure": { "code": "udp.timeout", "detail": "" },
            "cause": { "code": "udp_blocked", "who": "network", "confidence": confidence, "evidence": [],
                "fix": "Allow UDP 443 to a.example (STUN over UDP)." },
            "labels": { "row": "video", "known_to_answer": false } }))
        .unwrap()
    };
    for (confidence, asked) in [("high", 1), ("low", 0)] {
        let record = silent(confidence);
        let standing = standing::of("video", vec![&record], 1, None);
        assert_eq!(requests(&[standing]).len(), asked, "{confidence}");
    }
}
