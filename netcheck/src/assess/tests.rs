//! The pipeline on records made by hand: the same answer whatever their order, and one finding for one fault.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::plan;
use crate::profile::Profile;

/// The observations of records.
pub(super) fn observed(records: &[Value]) -> Vec<Observation> {
    input(records).observations
}

fn input(records: &[Value]) -> Input {
    let mut input = Input::default();
    records.iter().for_each(|record| input.line(record.to_string().as_bytes()));
    assert_eq!(input.bad, 0, "{records:?}");
    input
}

/// A record; `more` may hold `who`, `confidence`, `near`, `evidence`, `path`, `facts` and labels.
pub(super) fn record(row: &str, target: &str, verdict: &str, code: &str, cause: &str, more: &Value) -> Value {
    let mut record = json!({ "v": 1, "ts": "2026-11-22T07:00:00.000Z", "check": "x", "target": target, "verdict": verdict,
        "stages": [], "labels": { "row": row, "role": "all", "required": true } });
    if !code.is_empty() {
        record["failure"] = json!({ "code": code, "detail": "observed" });
    }
    if !cause.is_empty() {
        let or = |key: &str, value: Value| more.get(key).cloned().unwrap_or(value);
        record["cause"] = json!({ "code": cause, "who": or("who", "network".into()),
            "confidence": or("confidence", "medium".into()), "evidence": or("evidence", json!(["seen"])), "fix": "" });
        if let Some(near) = more.get("near") {
            record["cause"]["near"] = near.clone();
        }
    }
    for key in ["path", "facts", "run"] {
        if let Some(value) = more.get(key) {
            record[key] = value.clone();
        }
    }
    for key in ["region", "known_to_answer", "confirmed", "way", "required", "path_label"] {
        if let Some(value) = more.get(key) {
            record["labels"][key.trim_end_matches("_label")] = value.clone();
        }
    }
    record
}

/// The report of records against the built-in profile, and the exit code.
pub(super) fn report(records: &[Value]) -> (Report, u8) {
    let profile = Profile::named("spotme").unwrap();
    let lines = plan::lines(&profile, None).unwrap();
    let basis = Basis { profile: &profile, plan: &lines, baseline: None, interfaces: &[], narrowed: false };
    let assessment = assess(&basis, &mut input(records));
    let code = assessment.exit_code(false, false);
    (assessment.report, code)
}

fn status(report: &Report, name: &str) -> Status {
    report.requirements.iter().find(|one| one.name == name).map(|one| one.status).unwrap()
}

/// A record for every target of the plan, as `say` has it: verdict, failure code, cause, and more.
pub(super) fn all(
    say: impl Fn(&str, &str, Option<u16>) -> (&'static str, &'static str, &'static str, Value),
) -> Vec<Value> {
    use netcheck_record::spec::{Line as SpecLine, Sampling, Spec};
    let profile = Profile::named("spotme").unwrap();
    let mut records = Vec::new();
    for line in plan::lines(&profile, None).unwrap() {
        let json: Value = serde_json::from_str(&line.json()).unwrap();
        let Ok(SpecLine::Spec(spec)) = Spec::line(&line.json(), line.tool, Sampling::default()) else {
            panic!("{json}")
        };
        for target in spec.expand(Sampling::default()) {
            let text = target.to_string();
            let place = crate::target::Place::of(&text);
            let (verdict, code, cause, more) = say(&place.scheme, &place.host, place.port);
            let mut one = record(&line.row, &text, verdict, code, cause, &more);
            one["labels"] = json["labels"].clone();
            records.push(one);
        }
    }
    records
}

pub(super) fn pass() -> (&'static str, &'static str, &'static str, Value) {
    (
        "pass",
        "",
        "",
        json!({ "path": { "via": "direct", "address": "99.86.91.11:443", "local": "10.0.0.2:1", "interface": "eth0" } }),
    )
}

pub(super) fn direct(near: &str, confidence: &str) -> Value {
    let mut more = json!({ "confidence": confidence, "path": { "via": "direct", "local": "10.0.0.2:1", "interface": "eth0" } });
    if !near.is_empty() {
        more["near"] = near.into();
    }
    more
}

#[test]
fn a_network_that_permits_everything_is_green_and_asks_for_nothing() {
    let (report, code) = report(&all(|_, _, _| pass()));
    assert_eq!((code, report.findings.len(), report.requests.len()), (0, 0, 0));
    assert_eq!(report.headline, "The event can run from here: everything the platform needs works.");
}

#[test]
fn a_service_that_only_refuses_is_not_known() {
    let records = all(|scheme, _, _| match scheme {
        "rtmps" => ("degraded", "tcp.refused", "port_idle", json!({ "who": "service" })),
        _ => pass(),
    });
    let (report, code) = report(&records);
    assert_eq!((status(&report, "ingest"), code), (Status::NotKnown, 1));
    assert_eq!((report.findings.len(), report.requests.len()), (1, 1));
    assert!(
        report.headline.starts_with("It is not known whether the event can run from here"),
        "{}",
        report.headline
    );
}

#[test]
fn a_part_of_a_range_is_a_limit_and_a_region_is_not() {
    let part = all(|scheme, _, port| match (scheme, port) {
        ("rtmps", Some(10010..)) => ("fail", "tcp.timeout", "firewall_drop", direct("10.30.0.2", "medium")),
        _ => pass(),
    });
    let (part, code) = report(&part);
    assert_eq!((status(&part, "ingest"), code), (Status::Limited, 0));
    let rule = &part.requests[0].destinations[0];
    assert_eq!((rule.rule.as_str(), rule.ports.as_str()), ("{eu,us,ap}-channel.spotme.com", "10010-10050"));
    let region = all(|scheme, host, _| match (scheme, host) {
        ("rtmps", "us-channel.spotme.com") => {
            ("fail", "tcp.timeout", "firewall_drop", direct("10.30.0.2", "medium"))
        }
        _ => pass(),
    });
    let (region, code) = report(&region);
    assert_eq!((status(&region, "ingest"), code), (Status::DoesNotWork, 1));
    let rule = &region.requests[0].destinations[0];
    assert_eq!((rule.rule.as_str(), rule.ports.as_str()), ("us-channel.spotme.com", "10000-10050"));
}

#[test]
fn a_request_names_the_permit_entry_and_not_the_hosts_that_were_asked() {
    let records = all(|scheme, _, _| match scheme {
        "apns" => ("fail", "tcp.timeout", "firewall_drop", direct("10.30.0.2", "medium")),
        _ => pass(),
    });
    let (report, _) = report(&records);
    let request = &report.requests[0];
    assert_eq!((request.to, request.required, request.action.as_str()), (Addressee::Network, true, "allow"));
    assert_eq!(request.destinations[0].rule, "17.0.0.0/8");
    assert_eq!(request.source.address.as_deref(), Some("10.0.0.2"));
    assert!(request.text.contains("17.0.0.0/8") && request.text.contains("10.30.0.2"), "{}", request.text);
}

#[test]
fn a_local_firewall_speaks_for_the_silence_that_leaves_no_trace() {
    let records = all(|scheme, _, port| match (scheme, port.unwrap_or(0) % 3) {
        ("rtmps", 0) => {
            ("fail", "tcp.timeout", "local_firewall", json!({ "who": "local", "path": { "via": "direct" } }))
        }
        ("rtmps", _) => ("fail", "tcp.timeout", "firewall_drop", direct("", "medium")),
        _ => pass(),
    });
    let (report, _) = report(&records);
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    assert_eq!(report.findings[0].cause, netcheck_record::cause::Reason::LocalFirewall);
    assert_eq!(report.findings[0].destinations.len(), 3);
    assert!(report.findings[0].destinations.iter().all(|to| to.ports == "10000-10050"));
    assert_eq!(report.requests[0].to, Addressee::Person);
}

#[test]
fn nine_proven_large_packets_speak_for_the_guesses_beside_them() {
    let records = all(|scheme, _, port| match (scheme, port.unwrap_or(0) % 17) {
        ("rtmps", 0) => ("fail", "rtmp.timeout", "mtu_blackhole", direct("", "high")),
        ("rtmps", 1..5) => ("fail", "rtmp.timeout", "unknown", direct("", "low")),
        ("rtmps", _) => ("fail", "rtmp.timeout", "protocol_filter", direct("", "low")),
        _ => pass(),
    });
    let (report, _) = report(&records);
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    assert_eq!((report.findings[0].targets, report.requests[0].action.as_str()), (153, "repair_mtu"));
}

#[test]
fn failures_without_a_pattern_are_loss() {
    let records = all(|scheme, host, port| match (scheme, &host[..2], port) {
        ("rtmps", "eu", Some(10021))
        | ("rtmps", "us", Some(10041))
        | ("rtmps", "ap", Some(10021 | 10050)) => ("fail", "rtmp.timeout", "unknown", direct("", "low")),
        _ => pass(),
    });
    let (report, code) = report(&records);
    assert_eq!((report.findings.len(), code), (1, 0));
    assert!(report.headline.contains("packets are lost on the path"), "{}", report.headline);
    assert_eq!(report.requests[0].action, "repair_path");
}

#[test]
fn a_proxy_that_wants_credentials_is_one_finding_and_no_outage() {
    let records = all(|scheme, _, _| match scheme {
        "apns" | "fcm" | "stun" | "turn" | "apns-provider" | "fcm-api" => {
            ("fail", "tcp.timeout", "offline", direct("10.20.0.1", "medium"))
        }
        "sender" => pass(),
        _ => (
            "fail",
            "proxy.auth_required",
            "proxy_auth",
            json!({ "who": "proxy", "path": { "via": "proxy", "proxy": "http://10.0.0.1:3128" } }),
        ),
    });
    let (report, _) = report(&records);
    assert_eq!((report.findings.len(), report.requests.len()), (1, 1), "{:?}", report.findings);
    assert_eq!(
        (report.requests[0].to, report.requests[0].action.as_str()),
        (Addressee::Proxy, "authenticate")
    );
    assert!(
        report.headline.contains("the proxy (http://10.0.0.1:3128) requires credentials"),
        "{}",
        report.headline
    );
}

#[test]
fn interception_is_named_first_with_its_authority_and_what_it_costs() {
    let records = all(|scheme, _, _| {
        let more = json!({ "confidence": "high", "near": "10.0.0.1", "path": { "via": "direct" },
            "facts": { "tls": { "issuer": "Corp CA", "trust": "system" } } });
        match scheme {
            "apns" | "fcm" => ("fail", "tls.untrusted", "tls_inspection", more),
            "https" | "wss" | "rtmps" => ("degraded", "tls.untrusted", "tls_inspection", more),
            _ => pass(),
        }
    });
    let (report, _) = report(&records);
    assert_eq!((report.findings.len(), report.requests.len()), (1, 1));
    assert!(
        report.headline.contains("\"Corp CA\"") && report.headline.contains("iPhones get no notifications"),
        "{}",
        report.headline
    );
    assert_eq!(report.requests[0].to, Addressee::Security);
    assert!(report.requests[0].destinations.iter().any(|rule| rule.rule == "17.0.0.0/8"));
}

#[test]
fn a_portal_goes_to_the_person_and_mail_is_not_known() {
    let records = all(|scheme, _, _| match scheme {
        "http" => (
            "fail",
            "http.redirect_foreign",
            "captive_portal",
            json!({ "confidence": "high", "path": { "via": "direct" },
            "facts": { "http": { "location": "http://login.example/" } } }),
        ),
        "sender" => pass(),
        _ => ("fail", "tcp.timeout", "firewall_drop", direct("10.20.0.1", "medium")),
    });
    let (report, _) = report(&records);
    assert_eq!((report.findings.len(), report.requests.len()), (1, 1));
    assert_eq!(report.requests[0].to, Addressee::Person);
    assert!(
        report.requests[0].text.starts_with("Open http://login.example/ and log in"),
        "{}",
        report.requests[0].text
    );
    assert_eq!(status(&report, "mail"), Status::NotKnown);
}

#[test]
fn a_resolver_that_is_down_and_a_dead_ipv6_are_one_finding_each() {
    let silent = all(|_, _, _| ("fail", "dns.timeout", "", json!({})));
    let (silent, _) = report(&silent);
    assert_eq!((silent.findings.len(), silent.requests.len(), silent.requests[0].to), (1, 1, Addressee::Dns));
    let dead = all(|scheme, _, port| match scheme {
        "https" | "apns" => (
            "degraded",
            "tcp.timeout",
            "ipv6_broken",
            json!({ "who": if port == Some(443) { "network" } else { "unknown" }, "path": { "via": "direct" } }),
        ),
        _ => pass(),
    });
    let (dead, code) = report(&dead);
    assert_eq!((dead.findings.len(), dead.requests.len(), code), (1, 1, 0));
}

#[test]
fn records_that_are_not_a_whole_run_are_never_green() {
    let whole = all(|_, _, _| pass());
    let start =
        json!({ "v": 1, "run": { "id": "r", "profile": { "name": "spotme" }, "planned": whole.len() } });
    let end = json!({ "v": 1, "run": { "id": "r", "finished": "x", "written": whole.len(), "interrupted": false } });
    let of_run = |count: usize| {
        whole.iter().take(count).map(|one| {
            let mut one = one.clone();
            one["run"] = "r".into();
            one
        })
    };
    let part: Vec<Value> = std::iter::once(start.clone()).chain(of_run(100)).collect();
    let (part, code) = report(&part);
    assert_eq!(code, 2);
    assert!(
        part.headline.starts_with(&format!("{} planned targets have no record", whole.len() - 100)),
        "{}",
        part.headline
    );
    assert!(
        !part.headline.contains("can run from here, with") && !part.headline.contains("everything"),
        "{}",
        part.headline
    );
    let (empty, code) = report(&[]);
    assert_eq!(code, 2);
    assert!(empty.headline.starts_with("There is no record"), "{}", empty.headline);
    let complete: Vec<Value> = std::iter::once(start).chain(of_run(whole.len())).chain([end]).collect();
    assert_eq!(report(&complete).1, 0);
}

#[test]
fn records_without_run_lines_are_judged_and_what_is_missing_is_not_known() {
    let some: Vec<Value> = all(|_, _, _| pass()).into_iter().take(100).collect();
    let (report, code) = report(&some);
    assert_eq!(code, 1);
    assert!(report.run.warnings[0].starts_with("Completeness unknown"), "{:?}", report.run.warnings);
    assert!(report.headline.starts_with("It is not known"), "{}", report.headline);
}

#[test]
fn two_runs_that_have_nothing_to_do_with_each_other_are_no_run() {
    let one =
        |run: &str| record("cdn", "https://eu-stream.spotme.com:443", "pass", "", "", &json!({ "run": run }));
    let (report, code) = report(&[one("a"), one("b")]);
    assert_eq!(code, 2);
    assert!(
        report.run.problems.iter().any(|text| text.contains("2 unrelated runs")),
        "{:?}",
        report.run.problems
    );
}

#[test]
fn a_requirement_that_works_by_one_way_out_asks_for_nothing_of_the_other() {
    let by = |path: &str, verdict: &str| {
        let (code, cause) = if verdict == "pass" { ("", "") } else { ("tcp.timeout", "firewall_drop") };
        record("mail", "sender://spotme.com", verdict, code, cause, &json!({ "path_label": path }))
    };
    let (report, _) = report(&[by("direct", "fail"), by("proxy", "pass")]);
    assert_eq!((status(&report, "mail"), report.requests.len()), (Status::Works, 0));
    let mail = report.requirements.iter().find(|one| one.name == "mail").unwrap();
    assert_eq!((mail.paths["direct"], mail.paths["proxy"]), (Status::DoesNotWork, Status::Works));
}

/// What any target may say.
fn outcomes() -> impl Strategy<Value = (u8, u8, u8)> {
    (0_u8..8, 0_u8..3, 0_u8..3)
}

fn said(choice: (u8, u8, u8)) -> (&'static str, &'static str, &'static str, Value) {
    let confidence = ["low", "medium", "high"][usize::from(choice.1)];
    let near = ["", "10.20.0.1", "10.30.0.2"][usize::from(choice.2)];
    match choice.0 {
        0 => ("fail", "tcp.timeout", "firewall_drop", direct(near, confidence)),
        1 => ("fail", "tls.timeout", "unknown", direct("", "low")),
        2 => ("degraded", "tls.untrusted", "tls_inspection", direct(near, confidence)),
        3 => ("fail", "rtmp.timeout", "mtu_blackhole", direct("", confidence)),
        4 => ("degraded", "tcp.refused", "port_idle", json!({ "who": "service", "confidence": confidence })),
        5 => ("fail", "tcp.timeout", "local_firewall", direct("", confidence)),
        _ => pass(),
    }
}

/// What two reports of one network have to share.
fn essence(report: &Report) -> Value {
    let mut value = serde_json::to_value(report).unwrap();
    value["run"] = Value::Null;
    value
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_records_does_not_matter(
        choices in prop::collection::vec(outcomes(), 16),
        turn in 0_usize..200,
    ) {
        let records = all(|scheme, _, port| match scheme {
            "rtmps" | "https" | "apns" => said(choices[usize::from(port.unwrap_or(0) % 16)]),
            _ => pass(),
        });
        let mut turned = records.clone();
        turned.rotate_left(turn % records.len());
        turned.reverse();
        prop_assert_eq!(essence(&report(&records).0), essence(&report(&turned).0));
    }

    #[test]
    fn a_healthy_target_more_never_adds_a_request(choices in prop::collection::vec(outcomes(), 16)) {
        let records = all(|scheme, _, port| match scheme {
            "rtmps" => said(choices[usize::from(port.unwrap_or(0) % 16)]),
            _ => pass(),
        });
        let before = report(&records).0.requests.len();
        let healthy = record("cdn", "https://one-more.spotme.com:443", "pass", "", "", &pass().3);
        let after = report(&[&records[..], &[healthy]].concat()).0.requests.len();
        prop_assert!(after <= before, "{after} requests, {before} before");
    }

    #[test]
    fn two_halves_are_the_run(choices in prop::collection::vec(outcomes(), 16), cut in 1_usize..200) {
        let records = all(|scheme, _, port| match scheme {
            "rtmps" | "wss" => said(choices[usize::from(port.unwrap_or(0) % 16)]),
            _ => pass(),
        });
        let (one, other) = records.split_at(cut % records.len());
        let merged = [other, one].concat();
        prop_assert_eq!(essence(&report(&records).0), essence(&report(&merged).0));
    }

    #[test]
    fn every_target_that_does_not_pass_belongs_to_one_finding(choices in prop::collection::vec(outcomes(), 16)) {
        let records = all(|scheme, _, port| match scheme {
            "rtmps" => said(choices[usize::from(port.unwrap_or(0) % 16)]),
            _ => pass(),
        });
        let (report, _) = report(&records);
        let bad = records.iter().filter(|one| one["verdict"] != "pass").count() as u64;
        prop_assert_eq!(report.findings.iter().map(|finding| finding.targets).sum::<u64>(), bad);
        let fits = |request: &Request| report.findings.iter().filter(|finding| finding.id == request.finding).count() == 1;
        prop_assert!(report.requests.iter().all(fits));
    }
}
