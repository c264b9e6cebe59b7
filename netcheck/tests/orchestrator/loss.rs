//! What is on disk when something ends a run in the middle: whole lines, and nothing said to be there that is not.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::fake::{Outcome, Stage, finish, naming, pass, row};

/// `netcheck check` of one row, through a shell that sets limits first.
fn limited(stage: &Stage, limits: &str, args: &[&str]) -> Outcome {
    let inner = stage.command(args);
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")])
        .arg(inner.get_program())
        .args(inner.get_args());
    command.current_dir(stage.dir.path()).env_remove("NETCHECK_TOOLS").stdin(Stdio::null());
    finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

#[test]
fn a_disk_that_fills_up_in_the_middle_of_a_line_keeps_whole_lines() {
    let stage = Stage::all(pass);
    // Sixteen blocks of 512 bytes, and an error instead of a signal behind them.
    let run = limited(&stage, "trap '' XFSZ; ulimit -f 16", &["--row", "ingest", "--no-controls"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    insta::assert_snapshot!(naming(&run.stderr, "netcheck.jsonl"), @"netcheck: netcheck.jsonl: File too large (os error 27): not every record is in it");
    let kept = stage.kept();
    assert!((10..153).contains(&kept.len()), "{} records", kept.len());
    // The table is shown all the same.
    assert_eq!(row(&run.stdout, "ingest"), "ingest | works | 153/153");
}

#[test]
fn a_tool_that_is_killed_in_the_middle_of_a_line_costs_that_line() {
    let stage = Stage::all(pass);
    stage.script("mail", "cat >/dev/null; head -c 100 mail.jsonl; kill -9 $$");
    let run = stage.check(&["--row", "mail", "--no-controls"]);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
    insta::assert_snapshot!(naming(&run.stderr, "check-mail"), @r#"netcheck: check-mail was killed (signal: 9 (SIGKILL)); its record is missing: printed a line that is no record: {"v":1,"ts":"2026-11-22T07:00:00.123Z","check":"mail","target":"sender://spotme.com","verdict":"pass"#);
    assert_eq!(stage.kept().len(), 0);
}

/// Starts a run whose one tool says a record and then hangs, and waits for the record on standard output.
fn hanging(stage: &Stage) -> (std::process::Child, BufReader<std::process::ChildStdout>, String) {
    stage.script("mail", "trap 'exit 143' TERM; head -n 1 mail.jsonl; while :; do sleep 0.05; done");
    let mut command = stage.command(&["--row", "mail", "--no-controls", "--output", "-"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    (child, stdout, line)
}

#[test]
fn records_reach_a_pipe_before_the_run_ends_and_a_signal_tears_none() {
    let stage = Stage::all(pass);
    let (child, mut stdout, first) = hanging(&stage);
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    let run = finish(child);
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    assert!(first.ends_with('\n'));
    for line in format!("{first}{rest}").lines() {
        assert_eq!(serde_json::from_str::<Value>(line).unwrap()["v"], 1);
    }
}

#[test]
fn a_reader_that_leaves_in_the_middle_ends_the_tools() {
    let stage = Stage::all(pass);
    // Each record waits until the reader has left: a file tells that it has.
    stage.script(
        "mail",
        "cat >/dev/null; echo $$ > pid; head -n 1 mail.jsonl; while [ ! -e left ]; do sleep 0.05; done; \
         cat mail.jsonl mail.jsonl",
    );
    let mut command = stage.command(&["--row", "mail", "--no-controls", "--output", "-"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    drop(stdout);
    fs::write(stage.dir.path().join("left"), "").unwrap();
    let run = finish(child);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(naming(&run.stderr, "not every record"), "");
    let pid = fs::read_to_string(stage.dir.path().join("pid")).unwrap();
    assert!(!fs::exists(format!("/proc/{}", pid.trim())).unwrap(), "a tool was left behind");
}
