//! The alert rules and the dashboard: judged by Prometheus and by Grafana's own types, and named after metrics that exist.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::judges::judge;
use crate::place::{Outcome, Place, outcome, repository};

const RULES: &str = "deploy/prometheus/netcheck.rules.yml";
const TESTS: &str = "deploy/prometheus/netcheck.rules.test.yml";
const DASHBOARD: &str = "deploy/grafana/netcheck.json";

fn text(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap()
}

/// Runs the tests of the rules on this text of the rules.
fn test_rules(rules: &str) -> Outcome {
    let place = Place::new();
    place.give("netcheck.rules.yml", rules);
    let tests = place.give("netcheck.rules.test.yml", &text(TESTS));
    outcome(Command::new("promtool").args(["test", "rules"]).arg(tests))
}

fn read_dashboard(text: &str) -> Outcome {
    let place = Place::new();
    let reader = place.give("dashboard.py", include_str!("dashboard.py"));
    outcome(judge("python").arg(reader).arg(place.give("netcheck.json", text)))
}

/// The names of metrics in a text.
fn metrics(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_lowercase() && c != '_')
        .filter(|word| word.starts_with("netcheck_"))
        .collect()
}

#[test]
fn the_rules_are_what_prometheus_takes() {
    let checked = outcome(Command::new("promtool").args(["check", "rules"]).arg(repository(RULES)));
    assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
}

#[test]
fn silence_a_broken_and_a_recovered_requirement_and_old_data_raise_the_right_alerts() {
    let tested = test_rules(&text(RULES));
    assert_eq!(tested.code, Some(0), "{}{}", tested.stdout, tested.stderr);
}

#[test]
fn the_tests_of_the_rules_notice_a_rule_that_is_wrong() {
    let rules = text(RULES);
    for (right, wrong) in [
        ("absent(netcheck_run_timestamp_seconds)", "absent(netcheck_run_planned)"),
        ("netcheck_requirement_works == 0", "netcheck_requirement_works == 1"),
        (
            "time() - netcheck_run_timestamp_seconds < 3600",
            "time() - netcheck_run_timestamp_seconds < 360000",
        ),
        (
            "time() - netcheck_run_timestamp_seconds > 3600",
            "time() - netcheck_run_timestamp_seconds > 360000",
        ),
        ("netcheck_run_complete == 0", "netcheck_run_complete == 2"),
    ] {
        assert!(rules.contains(right), "{right}");
        assert_ne!(test_rules(&rules.replace(right, wrong)).code, Some(0), "{wrong}");
    }
}

#[test]
fn the_dashboard_is_what_grafana_reads() {
    let dashboard = text(DASHBOARD);
    let read = read_dashboard(&dashboard);
    assert_eq!((read.code, read.stdout.as_str(), read.stderr.as_str()), (Some(0), "", ""));
    let misspelt = read_dashboard(&dashboard.replace("graphMode", "graphmode"));
    assert!(misspelt.stdout.contains("graphmode is not known"), "{misspelt:?}");
}

#[test]
fn rules_and_dashboard_use_metrics_that_netcheck_writes() {
    let records = repository("netcheck/tests/browser/corporate.jsonl");
    let mut report = Command::new(env!("CARGO_BIN_EXE_netcheck"));
    let report = outcome(report.args(["report", "--format", "prometheus"]).arg(records));
    let written = metrics(&report.stdout);
    for path in [RULES, TESTS, DASHBOARD] {
        let (text, known) = (text(path), &written);
        let unknown: Vec<&str> = metrics(&text).into_iter().filter(|name| !known.contains(name)).collect();
        assert_eq!(unknown, [""; 0], "{path}");
    }
}
