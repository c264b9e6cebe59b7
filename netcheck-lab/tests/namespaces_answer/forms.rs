//! What every form of a report says of whole, interrupted and foreign runs.

use std::fs;

use netcheck_lab::world::product::{ProductRun, report};

use crate::run::check;

const FORMS: [&str; 5] = ["text", "markdown", "json", "html", "junit"];

fn form(records: &str, format: &str, more: &[&str]) -> (Option<i32>, String) {
    let arguments = [&["--format", format][..], more].concat();
    let output = report(records, &arguments).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    (output.status.code(), text)
}

#[test]
fn a_part_of_a_run_is_never_green() {
    let checked = check("healthy", &[]);
    assert_eq!((checked.run.code, checked.lines().len()), (Some(0), 234), "{}", checked.run.screen);
    let part = checked.lines()[..101].join("\n");
    for format in FORMS {
        let (code, text) = form(&part, format, &[]);
        assert_eq!(code, Some(2), "{format}");
        assert!(text.contains("132 planned targets have no record"), "{format}: {text}");
        assert!(!text.contains("everything the platform needs works"), "{format}");
        assert_eq!(form("", format, &[]).0, Some(2), "{format}");
    }
}

#[test]
fn a_run_that_a_signal_ended_says_so_first_in_every_form() {
    // Every target of this network is silent: the signal comes while all of them wait.
    let script = "timeout -s INT --preserve-status 2 \"$@\"";
    let run = ProductRun::within("drop-hop2", &["sh", "-c", script, "sh"], &[]).unwrap();
    assert_eq!(run.code, Some(130), "{}", run.screen);
    for format in FORMS {
        let (code, text) = form(&run.records, format, &[]);
        assert_eq!(code, Some(2), "{format}");
        assert!(text.contains("Interrupted after "), "{format}: {text}");
    }
    assert!(run.answer().unwrap()["headline"].as_str().unwrap().starts_with("Interrupted after "));
}

#[test]
fn a_baseline_of_the_same_network_is_warned_about_and_turns_nothing_green() {
    let run = ProductRun::check("drop-hop2", &["--row", "ingest"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("baseline.jsonl");
    fs::write(&file, &run.records).unwrap();
    let (code, text) = form(&run.records, "text", &["--baseline", file.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    for part in ["The baseline was made on the same network", "does not work", "known before"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn every_form_gives_a_requirement_the_same_verdict() {
    let checked = check("region-blocked", &[]);
    assert_eq!(checked.status("ingest"), "does not work");
    let record = |format: &str| form(&checked.run.records, format, &[]).1;
    assert!(record("junit").contains("name=\"ingest\"><failure message=\"does not work\">"));
    let metrics = record("prometheus");
    assert!(metrics.contains(
        "netcheck_requirement_works{profile=\"spotme\",requirement=\"ingest\",role=\"backstage\"} 0"
    ));
    assert!(record("html").contains("does not work"));
    assert!(record("csv").contains(",ingest,does not work,"));
}

#[test]
fn two_profiles_can_share_one_metrics_folder() {
    let of = |profile: &str| {
        let checked = check("healthy", &["--profile", profile]);
        form(&checked.run.records, "prometheus", &[]).1
    };
    let (one, other) = (of("spotme"), of("teams"));
    assert!(one.contains("netcheck_run_planned{profile=\"spotme\"}"), "{one}");
    assert!(other.contains("netcheck_run_planned{profile=\"teams\"}"), "{other}");
}

#[test]
fn records_of_another_profile_are_said_to_be_of_another() {
    let run = ProductRun::check("healthy", &["--row", "cdn"]).unwrap();
    let (code, text) = form(&run.records, "text", &["--profile", "teams"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("These records are of the profile \"spotme\", and not of \"teams\""), "{text}");
    // Without the flag, the run line's profile is used.
    assert_eq!(form(&run.records, "text", &[]).0, Some(0));
}

#[test]
fn a_quick_run_says_what_it_cannot_see_and_which_command_does() {
    let checked = check("idle-cut", &[]);
    assert_eq!(checked.run.code, Some(0));
    let notes = checked.answer["run"]["notes"].to_string();
    assert!(notes.contains("idle timeouts") && notes.contains("netcheck check --thorough"), "{notes}");
}
