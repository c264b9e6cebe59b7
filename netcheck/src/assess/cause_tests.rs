//! What only the whole run shows of a cause: one finding for one fault, however many ways it shows itself.

use std::collections::BTreeSet;

use netcheck_record::cause::{Confidence, Reason};
use serde_json::json;

use super::request::Addressee;
use super::tests::{all, direct, pass, record, report};

#[test]
fn a_proxy_that_reaches_nothing_is_one_finding_and_what_goes_round_it_says_nothing() {
    let records = all(|scheme, _, _| match scheme {
        "https" | "http" | "tls" | "wss" | "rtmps" => (
            "fail",
            "proxy.upstream",
            "proxy_upstream",
            json!({ "who": "proxy", "path": { "via": "proxy", "proxy": "http://10.20.0.1:3128" } }),
        ),
        "smtp" | "sender" => pass(),
        _ => ("fail", "tcp.timeout", "offline", direct("10.20.0.1", "medium")),
    });
    let (report, code) = report(&records);
    let causes: Vec<Reason> = report.findings.iter().map(|one| one.cause).collect();
    assert_eq!((code, causes), (1, vec![Reason::ProxyUpstream]));
    let [request] = report.requests.as_slice() else { panic!("{:?}", report.requests) };
    assert_eq!((request.to, request.destinations.len()), (Addressee::Proxy, 0));
    assert!(request.text.starts_with("Give the proxy http://10.20.0.1:3128 its way to the Internet back"));
}

#[test]
fn one_port_that_fails_at_every_host_is_no_loss() {
    let records = all(|scheme, _, port| match (scheme, port) {
        ("rtmps", Some(10007)) => ("fail", "tcp.timeout", "unknown", direct("", "low")),
        _ => pass(),
    });
    let (report, _) = report(&records);
    let causes: Vec<Reason> = report.findings.iter().map(|one| one.cause).collect();
    assert_eq!(causes, [Reason::Unknown]);
}

#[test]
fn loss_that_stops_nothing_is_a_limit() {
    let mut records = all(|_, _, _| pass());
    for (at, record) in records.iter_mut().enumerate() {
        let us = if at % 3 == 0 { 1_030_000 } else { 20_000 };
        record["stages"] = json!([{ "stage": "tcp", "ok": true, "us": us }]);
    }
    let (report, code) = report(&records);
    let causes: Vec<Reason> = report.findings.iter().map(|one| one.cause).collect();
    assert_eq!((code, causes), (0, vec![Reason::LossyPath]));
    assert!(report.headline.contains("packets are lost on the path (about 19 %)"), "{}", report.headline);
    assert_eq!(report.requests.len(), 1);
}

#[test]
fn a_machine_that_is_slow_loses_nothing() {
    let mut records = all(|_, _, _| pass());
    for (at, record) in records.iter_mut().enumerate() {
        record["stages"] = json!([{ "stage": "tcp", "ok": true, "us": at * 8_000 }]);
    }
    assert_eq!(report(&records).0.findings.len(), 0);
}

#[test]
fn a_long_way_is_no_loss() {
    let mut records = all(|_, _, _| pass());
    for (at, record) in records.iter_mut().enumerate() {
        let us = if at % 3 == 0 { 1_030_000 } else { 700_000 };
        record["stages"] = json!([{ "stage": "tcp", "ok": true, "us": us }]);
    }
    assert_eq!(report(&records).0.findings.len(), 0);
}

#[test]
fn a_socket_of_this_machine_is_no_device_one_hop_away() {
    let records = all(|scheme, _, port| match (scheme, port) {
        ("rtmps", Some(10009 | 10024)) => {
            ("fail", "tls.timeout", "transparent_proxy", direct("10.20.0.1", "medium"))
        }
        ("rtmps", _) => {
            let mut more = direct("", "high");
            more["who"] = "local".into();
            ("fail", "tls.timeout", "local_agent", more)
        }
        _ => pass(),
    });
    let causes: Vec<Reason> = report(&records).0.findings.iter().map(|one| one.cause).collect();
    assert_eq!(causes, [Reason::LocalAgent]);
}

#[test]
fn what_a_slow_interception_leaves_unanswered_is_the_interception() {
    let intercepted = || {
        let mut more = direct("10.20.0.1", "high");
        more["facts"] = json!({ "tls": { "issuer": "Corp CA", "trust": "system" } });
        more
    };
    let records = all(|scheme, _, port| match (scheme, port) {
        ("rtmps", Some(10000..=10010)) => {
            let mut more = direct("", "medium");
            more["who"] = "local".into();
            ("fail", "tls.timeout", "local_firewall", more)
        }
        ("rtmps", Some(10011)) => ("fail", "tcp.timeout", "firewall_drop", direct("", "medium")),
        ("rtmps", Some(10012)) => ("fail", "tls.timeout", "sni_filter", direct("10.20.0.1", "medium")),
        ("rtmps", _) => ("degraded", "tls.untrusted", "tls_inspection", intercepted()),
        // Another port is another matter.
        ("apns", Some(5223)) => ("fail", "tcp.timeout", "firewall_drop", direct("", "medium")),
        _ => pass(),
    });
    let causes: BTreeSet<Reason> = report(&records).0.findings.iter().map(|one| one.cause).collect();
    assert_eq!(causes, BTreeSet::from([Reason::TlsInspection, Reason::FirewallDrop]));
}

#[test]
fn hops_that_ration_their_answers_are_one_place() {
    let records = all(|scheme, host, port| match (scheme, host, port) {
        ("rtmps", "eu-channel.spotme.com", Some(10003 | 10020)) => {
            ("fail", "tcp.timeout", "firewall_drop", direct("10.20.0.1", "medium"))
        }
        ("rtmps", "eu-channel.spotme.com", Some(10011 | 10040)) => {
            ("fail", "tcp.timeout", "firewall_drop", direct("10.30.0.2", "medium"))
        }
        ("rtmps", "us-channel.spotme.com", Some(10000)) => {
            ("fail", "tcp.timeout", "firewall_drop", direct("10.30.0.2", "medium"))
        }
        ("rtmps", "ap-channel.spotme.com", Some(10050)) => {
            ("fail", "tcp.timeout", "firewall_drop", direct("10.30.0.2", "medium"))
        }
        ("rtmps", ..) => ("fail", "tcp.timeout", "firewall_drop", direct("", "medium")),
        _ => pass(),
    });
    let (report, _) = report(&records);
    let places: Vec<String> =
        report.findings.iter().filter_map(|one| one.near).map(|near| near.to_string()).collect();
    assert_eq!((report.findings.len(), places), (1, vec!["10.30.0.2".to_owned()]));
}

#[test]
fn a_reset_without_a_cause_is_one_thing_whichever_layer_notices_it() {
    let records = all(|scheme, host, port| match (scheme, host, port) {
        ("rtmps", "eu-channel.spotme.com", Some(10007)) => {
            ("fail", "tcp.reset", "unknown", direct("", "low"))
        }
        ("rtmps", "us-channel.spotme.com", Some(10007)) => {
            ("fail", "tls.reset", "unknown", direct("", "low"))
        }
        ("rtmps", "ap-channel.spotme.com", Some(10007)) => {
            ("fail", "tls.closed", "unknown", direct("", "low"))
        }
        _ => pass(),
    });
    assert_eq!(report(&records).0.findings.len(), 2);
}

#[test]
fn what_is_optional_in_a_required_request_says_so() {
    let records = all(|scheme, _, _| match scheme {
        "apns" | "fcm" | "fcm-api" => ("fail", "tcp.timeout", "firewall_drop", direct("10.20.0.1", "medium")),
        _ => pass(),
    });
    let (both, _) = report(&records);
    let [request] = both.requests.as_slice() else { panic!("{:?}", both.requests) };
    assert!(request.required);
    let optional: Vec<&str> =
        request.destinations.iter().filter(|one| one.optional).map(|one| one.rule.as_str()).collect();
    assert_eq!(optional, ["fcm.googleapis.com"]);
    assert!(request.text.contains("; optional: TCP 443 to fcm.googleapis.com"), "{}", request.text);
    let alone = all(|scheme, _, _| match scheme {
        "fcm-api" => ("fail", "tcp.timeout", "firewall_drop", direct("10.20.0.1", "medium")),
        _ => pass(),
    });
    let (one, _) = report(&alone);
    assert!(!one.requests[0].required && !one.requests[0].destinations[0].optional);
}

#[test]
fn silence_of_a_port_that_answered_another_connection_is_no_drop() {
    let path =
        json!({ "via": "direct", "address": "18.195.10.21:443", "local": "10.0.0.2:1", "interface": "eth0" });
    let drop =
        |confidence: &str| json!({ "confidence": confidence, "near": "10.30.0.2", "path": path.clone() });
    let records = |verdict: &'static str, confidence: &str| {
        let silent = (verdict, "tcp.timeout", "firewall_drop", drop(confidence));
        let mut records = all(|scheme, host, _| match (scheme, host) {
            ("https", "backstage.spotme.com") => silent.clone(),
            _ => pass(),
        });
        let answered =
            records.iter_mut().find(|one| one["target"] == "wss://backstage.spotme.com:443").unwrap();
        answered["path"] = path.clone();
        answered["stages"] = json!([{ "stage": "tcp", "ok": true, "us": 20_000 }]);
        records
    };
    let causes = |verdict: &'static str, confidence: &str| {
        let (report, _) = report(&records(verdict, confidence));
        report.findings.iter().map(|one| (one.cause, one.confidence)).collect::<Vec<_>>()
    };
    assert_eq!(causes("fail", "medium"), [(Reason::ServiceDown, Confidence::Low)]);
    // Repeated experiments are no accident.
    assert_eq!(causes("fail", "high"), [(Reason::FirewallDrop, Confidence::High)]);
    // The first SYN is dropped, each time, and the second one is answered: SYNs that ask for ECN.
    assert_eq!(causes("degraded", "medium"), [(Reason::FirewallDrop, Confidence::Medium)]);
}

#[test]
fn what_covers_thousands_of_hosts_names_the_first_and_counts_the_others() {
    let silent = direct("10.30.0.2", "medium");
    let records: Vec<_> = (0..2_500)
        .map(|at| {
            record("own", &format!("https://h{at:04}:443"), "fail", "tcp.timeout", "firewall_drop", &silent)
        })
        .collect();
    let (report, _) = report(&records);
    let finding = &report.findings[0];
    assert_eq!((finding.targets, finding.destinations.len(), finding.unnamed_targets), (2_500, 2_000, 500));
    let request = &report.requests[0];
    assert_eq!((request.destinations.len(), request.unnamed_targets), (2_000, 500));
    assert!(request.text.contains("500 targets that are in the records alone"), "{}", request.text);
    assert!(finding.summary.contains("and more than 1997 more"), "{}", finding.summary);
}
