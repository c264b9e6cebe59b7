//! More targets at once than one event loop is given: what a run promises holds whichever of its threads did the work.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::TcpListener;
use std::time::Duration;

use netcheck_lab::{Act, Server, closed_port};

use crate::peer::{quiet, targets, tool};

/// Enough at once for two threads and more, where there are cores for them.
const MANY: [&str; 4] = ["--jobs", "96", "--diagnose", "never"];

/// Five hundred targets, all different.
fn lines() -> Vec<String> {
    let port = closed_port();
    (0..500).map(|number| format!("tcp://127.0.{}.{}:{port}", number / 250, number % 250 + 1)).collect()
}

#[test]
fn each_target_has_one_record() {
    let lines = lines();
    let outcome = tool(&MANY).stdin(lines.join("\n")).run();
    let told: BTreeSet<&str> = targets(&outcome).into_iter().collect();
    assert_eq!((outcome.records.len(), told.len()), (500, 500));
    assert_eq!(told, lines.iter().map(String::as_str).collect());
}

#[test]
fn records_come_in_the_order_of_the_input_where_that_is_asked_for() {
    let (lines, slow) = (lines(), quiet());
    // The first is told last of all, and everything else has to wait for it.
    let first = format!("http://127.0.0.1:{}/", slow.port);
    let input = format!("{first}\n{}", lines.join("\n"));
    let outcome = tool(&MANY).args(["--ordered", "--timeout", "0.5"]).stdin(input).run();
    assert_eq!(targets(&outcome)[0], first);
    assert_eq!(targets(&outcome)[1..], lines);
}

#[test]
fn as_many_targets_as_asked_for_are_in_flight_and_no_more() {
    let server = quiet();
    let input = format!("http://127.0.0.1:{}/\n", server.port).repeat(200);
    let running = tool(&MANY).args(["--timeout", "600"]).stdin(input).start();
    while server.accepted() < 96 {
        std::thread::yield_now();
    }
    running.interrupt();
    assert_eq!(running.wait().code, 130);
    assert_eq!(server.accepted(), 96);
}

#[test]
fn one_failure_among_many_is_the_exit_code_and_one_bad_line_outweighs_it() {
    let mut lines = lines();
    let server = Server::tcp(vec![Act::until("\r\n\r\n"), Act::Close]);
    let run = |lines: &[String]| tool(&MANY).stdin(lines.join("\n")).run().code;
    // An idle port of this machine is degraded, and no failure.
    assert_eq!(run(&lines), 0);
    lines[470] = format!("http://127.0.0.1:{}/", server.port);
    assert_eq!(run(&lines), 1);
    lines[480] = "nonsense".to_owned();
    assert_eq!(run(&lines), 2);
}

#[test]
fn a_reader_that_pauses_stops_no_timer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}/\n", listener.local_addr().unwrap());
    // More records than the pipe and all buffers on the path to it hold.
    let input = format!("{silent}{}", format!("{}\n", lines().join("\n")).repeat(8));
    let running = tool(&MANY).args(["--timeout", "0.5"]).stdin(input).start();
    let (mut caller, _) = listener.accept().unwrap();
    caller.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    // Nobody reads a record, and the request is given up all the same.
    assert!(caller.read_to_end(&mut Vec::new()).unwrap() > 0);
    let outcome = running.wait();
    assert_eq!(outcome.records.len(), 4001);
}

#[test]
fn a_signal_keeps_what_every_thread_has_finished() {
    let server = quiet();
    let endless = format!("http://127.0.0.1:{}/\n", server.port).repeat(90);
    let lines = lines();
    let mut running =
        tool(&MANY).args(["--timeout", "600"]).stdin(format!("{endless}{}", lines.join("\n"))).start();
    for _ in 0..500 {
        let line = running.line().unwrap();
        assert!(line.ends_with("}\n"), "{line}");
    }
    running.terminate();
    let outcome = running.wait();
    assert_eq!((outcome.code, outcome.records.len()), (143, 500));
}
