//! Manners in a pipeline: input that pauses, output that ends, signals, pace and order.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use netcheck_common::clock::{now, timestamp};
use netcheck_lab::view::{diagnosed, failure_detail};
use netcheck_lab::{Act, Server, closed_port};
use serde_json::{Value, json};

use crate::peer::{OK, http, quiet, targets, tool};

/// The tool with pipes held by the test.
fn spawn(args: &[&str], stdout: impl Into<Stdio>) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_check-tcp"));
    for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command.args(args).stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap()
}

fn error_text(child: &mut Child) -> String {
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_record_comes_while_the_input_stays_open() {
    let server = quiet();
    let mut child = spawn(&[], Stdio::piped());
    let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for _ in 0..3 {
        writeln!(input, "tcp://127.0.0.1:{}", server.port).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(diagnosed(&serde_json::from_str::<serde_json::Value>(&line).unwrap()), "pass - - - -");
    }
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_closed_pipe_ends_the_tool_quietly() {
    let mut child = spawn(&[], Stdio::piped());
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    let line = format!("tcp://127.0.0.1:{}\nnonsense\n", closed_port());
    // The input stays open: it is the pipe that ends the tool.
    input.write_all(line.as_bytes()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(error_text(&mut child), "");
    drop(input);
}

#[test]
fn output_that_cannot_be_written_is_the_tools_failure() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let server = quiet();
    let mut child = spawn(&[&format!("tcp://127.0.0.1:{}", server.port)], full);
    assert_eq!(child.wait().unwrap().code(), Some(2));
    let said = error_text(&mut child);
    assert!(said.starts_with("check-tcp: ") && said.lines().count() == 1, "{said}");
    let full = File::options().write(true).open("/dev/full").unwrap();
    assert_eq!(spawn(&["--help"], full).wait().unwrap().code(), Some(2));
}

/// Targets of which one never ends, the others at once.
fn endless(args: &[&str]) -> (netcheck_lab::tool::Running, Server) {
    let server = quiet();
    let lines = format!(
        "http://127.0.0.1:{0}/\n{1}",
        server.port,
        format!("tcp://127.0.0.1:{}\n", closed_port()).repeat(40)
    );
    (tool(&["--timeout", "600", "--diagnose", "never"]).args(args).stdin(lines).start(), server)
}

#[test]
fn a_signal_ends_the_tool_after_what_is_finished_was_written() {
    for (signal, code) in [("interrupt", 130), ("terminate", 143)] {
        let (mut running, _server) = endless(&[]);
        for _ in 0..40 {
            let line = running.line().unwrap();
            assert!(line.ends_with("}\n"), "{line}");
        }
        if signal == "interrupt" {
            running.interrupt()
        } else {
            running.terminate()
        }
        let outcome = running.wait();
        assert_eq!((outcome.code, outcome.records.len()), (code, 40), "{signal}");
    }
}

#[test]
fn what_waits_for_its_turn_is_written_when_a_signal_comes() {
    let server = quiet();
    let idle = closed_port();
    let lines = format!("http://127.0.0.1:{}/\ntcp://127.0.0.1:{idle}\n", server.port);
    // The first target is under way, and the only sign of the second is that its server was called.
    let second = Server::tcp(vec![Act::until("\r\n\r\n"), Act::send(OK), Act::Close]);
    let lines = format!("{lines}http://127.0.0.1:{}/\n", second.port);
    let running = tool(&["--ordered", "--timeout", "600", "--diagnose", "never"]).stdin(lines).start();
    while second.accepted() == 0 || second.seen()[0].is_empty() {
        std::thread::yield_now();
    }
    running.interrupt();
    let outcome = running.wait();
    assert_eq!(outcome.code, 130);
    let of = |target: &str| outcome.records.iter().any(|record| record["target"] == target);
    assert!(of(&format!("tcp://127.0.0.1:{idle}")), "{outcome:?}");
    assert!(outcome.stdout.ends_with("}\n"));
}

#[test]
fn a_signal_outweighs_bad_input() {
    let server = quiet();
    let lines = format!("nonsense\nhttp://127.0.0.1:{}/\n", server.port);
    let mut running = tool(&["--timeout", "600"]).stdin(lines).start();
    assert!(running.line().unwrap().contains("input.invalid"));
    while server.accepted() == 0 {
        std::thread::yield_now();
    }
    running.terminate();
    assert_eq!(running.wait().code, 143);
}

#[test]
fn records_come_in_order_of_completion_or_of_input() {
    let (slow, fast) = (quiet(), quiet());
    let (slow, fast) = (format!("http://127.0.0.1:{}/", slow.port), format!("tcp://127.0.0.1:{}", fast.port));
    let run = |args: &[&str]| {
        let outcome =
            tool(&["--timeout", "0.5", "--diagnose", "never"]).args(args).args([&slow, &fast]).run();
        targets(&outcome).iter().map(|target| target[..4].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(run(&[]), ["tcp:", "http"]);
    assert_eq!(run(&["--ordered"]), ["http", "tcp:"]);
    assert_eq!(run(&["--jobs", "1"]), ["http", "tcp:"]);
}

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// A record's milliseconds since midnight.
fn time(record: &Value) -> i64 {
    of_day(record["ts"].as_str().unwrap())
}

/// Milliseconds since midnight.
fn of_day(stamp: &str) -> i64 {
    let text = &stamp[11..23];
    let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    ((number(0..2) * 60 + number(3..5)) * 60 + number(6..8)) * 1000 + number(9..12)
}

#[test]
fn targets_begin_no_faster_than_asked_for() {
    let server = quiet();
    let target = format!("tcp://127.0.0.1:{}", server.port);
    let outcome = tool(&["--rate", "5"]).args([&target; 3]).run();
    let begun: Vec<i64> = outcome.records.iter().map(time).collect();
    // 400 ms lie between the first and the last; half of them are left to a machine that is busy.
    let span = (begun[2] - begun[0]).rem_euclid(DAY);
    assert!((200..3_600_000).contains(&span), "{begun:?}");
}

#[test]
fn nothing_is_waited_for_after_the_last_target() {
    let server = quiet();
    let begun = now();
    let outcome = tool(&["--rate", "0.001", &format!("tcp://127.0.0.1:{}", server.port)]).run();
    assert_eq!((diagnosed(&outcome).as_str(), outcome.code), ("pass - - - -", 0));
    assert!(begun.elapsed() < Duration::from_secs(100));
}

#[test]
fn a_failed_target_is_tried_as_often_as_asked_for() {
    let scripts = || {
        let close = vec![Act::until("\r\n\r\n"), Act::Close];
        vec![close.clone(), close, vec![Act::until("\r\n\r\n"), Act::send(OK), Act::Close]]
    };
    let run = |attempts: &str| {
        let server = Server::sequence(scripts());
        let target = format!("http://127.0.0.1:{}/", server.port);
        let outcome = tool(&["--diagnose", "never", "--attempts", attempts, &target]).run();
        (diagnosed(&outcome), outcome.one()["facts"]["attempts"].clone(), server.accepted())
    };
    assert_eq!(run("1"), ("fail http.closed unknown unknown low".into(), Value::Null, 1));
    assert_eq!(run("2"), ("fail http.closed unknown unknown low".into(), json!(2), 2));
    assert_eq!(run("5"), ("pass - - - -".into(), json!(3), 3));
}

#[test]
fn all_attempts_of_a_target_share_one_deadline() {
    let server = quiet();
    let target = format!("http://127.0.0.1:{}/", server.port);
    let args = ["--diagnose", "never", "--attempts", "9", "--timeout", "0.6", "--deadline", "1"];
    let before = of_day(&timestamp());
    let outcome = tool(&args).arg(&target).run();
    let record = outcome.one();
    // The second attempt has what the first has left of it, and the third nothing.
    assert_eq!((&record["facts"]["attempts"], server.accepted()), (&json!(2), 2), "{record}");
    insta::assert_snapshot!(failure_detail(record), @"the target's deadline was reached");
    let took = record["stages"].as_array().unwrap().iter().filter_map(|stage| stage["us"].as_i64());
    // The time of day is that of the first attempt: the second, whose stages are shown, began later by a timeout.
    let since = |time: i64| (time - before).rem_euclid(DAY);
    let (told, ended) = (since(time(record)), since(of_day(&timestamp())));
    assert!(told + 600 + took.sum::<i64>() / 1000 <= ended + 1, "{told} {ended} {record}");
}

#[test]
fn hundreds_at_once_need_no_more_descriptors_than_there_are() {
    let server = http(OK);
    let args = ["--jobs", "500", "--diagnose", "never"];
    let outcome = tool(&args).args(vec![format!("tcp://127.0.0.1:{}", server.port); 500]).run();
    assert_eq!((outcome.records.len(), outcome.code), (500, 0), "{}", outcome.stderr);
}
