//! SIGINT and SIGTERM in the middle of a run.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::fake::{Outcome, Stage, finish, pass};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// One tool hangs; signals are sent, and what came of it is returned. `before` is what a shell does before it becomes the
/// program.
fn interrupted_after(before: &str, signals: &[Signal]) -> (Stage, Outcome) {
    let stage = Stage::all(pass);
    stage.script(
        "udp",
        "trap 'exit 143' TERM; head -n 1 udp.jsonl; echo hanging >&2; while :; do sleep 0.05; done",
    );
    let outcome = interrupt(&stage, before, signals);
    (stage, outcome)
}

/// Runs until a tool has said that it hangs, sends signals, and returns what came of it.
fn interrupt(stage: &Stage, before: &str, signals: &[Signal]) -> Outcome {
    let program = stage.command(&["-v", "--textfile", "netcheck.prom"]);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{before}; exec \"$0\" \"$@\"")]);
    command.arg(program.get_program()).args(program.get_args()).current_dir(stage.dir.path());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("hanging") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "the run ended by itself");
    }
    for signal in signals {
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), *signal).unwrap();
    }
    finish(child)
}

fn interrupted(signal: Signal) -> (Stage, Outcome) {
    interrupted_after(":", &[signal])
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
fn every_tool_is_asked_to_end_before_any_is_waited_for() {
    let stage = Stage::all(pass);
    // The first ends once the last has been asked, and each writes what it has finished when it is asked.
    stage.script(
        "mail",
        "trap 'while ! test -e asked; do sleep 0.01; done; head -n 1 mail.jsonl; exit 143' TERM; touch mail-waits; while :; do sleep 0.01; done",
    );
    stage.script(
        "wss",
        "trap 'touch asked; head -n 1 wss.jsonl; exit 143' TERM; while ! test -e mail-waits; do sleep 0.01; done; echo hanging >&2; while :; do sleep 0.01; done",
    );
    let run = interrupt(&stage, ":", &[Signal::SIGTERM]);
    assert_eq!(run.code, Some(143), "{}", run.stdout);
    let kept = stage.kept();
    for tool in ["mail", "wss"] {
        assert_eq!(kept.iter().filter(|record| record["check"] == tool).count(), 1, "{tool}: {kept:?}");
    }
}

#[test]
fn sighup_is_129() {
    assert_eq!(interrupted(Signal::SIGHUP).1.code, Some(129));
}

#[test]
fn sighup_is_ignored_where_it_was_ignored_at_the_start() {
    // As by nohup(1). Of two signals that wait the lower number is heard first: SIGHUP, were it heard at all.
    let (_, run) = interrupted_after("trap '' HUP", &[Signal::SIGHUP, Signal::SIGTERM]);
    assert_eq!(run.code, Some(143), "{}", run.stdout);
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
