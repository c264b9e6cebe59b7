//! SIGINT and SIGTERM in the middle of a run.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::fake::{Outcome, Stage, finish, pass};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Runs until the one tool that hangs has said that it does, sends a signal, and returns what came of it.
fn interrupted(signal: Signal) -> (Stage, Outcome) {
    let stage = Stage::all(pass);
    stage.script(
        "udp",
        "trap 'exit 143' TERM; head -n 1 udp.jsonl; echo hanging >&2; while :; do sleep 0.05; done",
    );
    let mut command = stage.command(&["-v", "--textfile", "netcheck.prom"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("hanging") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "the run ended by itself");
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
    (stage, finish(child))
}

#[test]
fn sigint_keeps_what_is_finished_and_is_130() {
    let (stage, run) = interrupted(Signal::SIGINT);
    assert_eq!(run.code, Some(130), "{}", run.stdout);
    assert!(stage.kept().iter().any(|record| record["check"] == "udp"));
    assert!(run.stdout.starts_with("Interrupted after "), "{}", run.stdout);
    let report = crate::fake::report(&stage, &[]);
    assert_eq!(report["run"]["interrupted"], true);
    assert!(report["headline"].as_str().unwrap().starts_with("Interrupted after "), "{report}");
}

#[test]
fn sigterm_is_143() {
    let (stage, run) = interrupted(Signal::SIGTERM);
    assert_eq!(run.code, Some(143), "{}", run.stdout);
    // Half a round would look like an outage to whoever reads the metrics.
    assert!(!stage.dir.path().join("netcheck.prom").exists());
}

#[test]
fn sighup_is_129() {
    assert_eq!(interrupted(Signal::SIGHUP).1.code, Some(129));
}

#[test]
fn a_tool_gets_a_signal_that_nothing_blocks() {
    let stage = Stage::all(pass);
    // The mask that the tool was started with, as the system shows it.
    stage.script("mail", "cat >/dev/null; grep SigBlk /proc/self/status > mask; cat mail.jsonl");
    stage.check(&["--row", "mail", "--no-controls"]);
    let mask = std::fs::read_to_string(stage.dir.path().join("mask")).unwrap();
    assert_eq!(mask.split_whitespace().last(), Some("0000000000000000"));
}
