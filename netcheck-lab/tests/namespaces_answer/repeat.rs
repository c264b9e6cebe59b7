//! One network has one answer: twice the same, and with one target at a time or all at once.

use std::thread;

use serde_json::{Value, json};

use crate::run::check;

/// Cause and place of each finding, and what each request asks for: no counts, no times, no addresses that a resolver
/// chose, and no evidence, which one of many targets speaks.
fn essence(answer: &Value) -> Value {
    let list = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
    let findings: Vec<Value> = list("findings")
        .iter()
        .map(|one| json!([one["cause"], one["near"], one["who"], one["requirements"]]))
        .collect();
    let rule = |rule: &Value| json!([rule["rule"], rule["protocol"], rule["ports"], rule["optional"]]);
    let requests: Vec<Value> = list("requests")
        .iter()
        .map(|one| {
            let rules: Vec<Value> = one["destinations"].as_array().into_iter().flatten().map(rule).collect();
            json!([
                one["to"],
                one["required"],
                one["action"],
                one["direction"],
                one["near"],
                one["reason"],
                rules
            ])
        })
        .collect();
    let statuses: Vec<Value> =
        list("requirements").iter().map(|one| json!([one["name"], one["status"]])).collect();
    json!({ "findings": findings, "requests": requests, "statuses": statuses, "roles": answer["roles"] })
}

/// The platform with a few ports of each region: one target at a time is slow.
const SMALL: &str = "format = 1\nname = \"small\"\nextends = \"spotme\"\n[[row]]\nname = \"ingest\"\nreplace = true\n\
    [[row.probe]]\ntarget = \"rtmps://{eu,us,ap}-channel.spotme.com:10000-10001\"\n";

/// The whole profile twice; a part of it one target at a time and all at once: four networks side by side.
fn same_answer(scenario: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("small.toml");
    std::fs::write(&file, SMALL).unwrap();
    let whole = || essence(&check(scenario, &[]).answer);
    let part = |jobs: &str| {
        let rows = ["--row", "ingest", "--row", "core", "--timeout", "2", "--jobs", jobs];
        let arguments = [&["--profile", file.to_str().unwrap()][..], &rows].concat();
        let checked = check(scenario, &arguments);
        assert_ne!(checked.run.code, Some(2), "{}", checked.run.screen);
        essence(&checked.answer)
    };
    let [first, second, one, all] = thread::scope(|scope| {
        let runs =
            [scope.spawn(whole), scope.spawn(whole), scope.spawn(|| part("1")), scope.spawn(|| part("64"))];
        runs.map(|run| run.join().unwrap())
    });
    assert_ne!(first["findings"], json!([]), "{scenario}");
    assert_eq!(first, second, "{scenario} twice");
    assert_eq!(one, all, "{scenario} one at a time");
}

#[test]
fn a_local_firewall_has_one_answer() {
    same_answer("local-drop");
}

#[test]
fn a_black_hole_for_large_packets_has_one_answer() {
    same_answer("mtu-blackhole");
}

#[test]
fn a_drop_on_the_way_has_one_answer() {
    same_answer("drop-hop2");
}

#[test]
fn a_filter_of_names_has_one_answer() {
    same_answer("sni-drop-assembled");
}

#[test]
fn an_interception_has_one_answer() {
    same_answer("inspection-http-only-hop1");
}

#[test]
fn a_resolver_that_hides_names_has_one_answer() {
    same_answer("dns-sinkhole");
}
