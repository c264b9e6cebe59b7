//! Fewer local ports than targets, in a network namespace that the test makes itself. Needs unshare(1) and ip(8).
#![expect(clippy::expect_used, reason = "a test that cannot set its stage has failed")]

use std::process::Command;

use netcheck_lab::tool::{Outcome, Tool};
use netcheck_lab::view::observed;
use netcheck_lab::{Act, Server};

/// Set inside the namespace.
const MARK: &str = "NETCHECK_TEST_INSIDE";

/// Runs the test of that name again, alone with its own loopback and these local ports; true inside.
fn alone(test: &str, ports: &str) -> bool {
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let script = format!(
        "ip link set lo up; echo {ports} > /proc/sys/net/ipv4/ip_local_port_range; exec \"$0\" \"$@\""
    );
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "sh", "-ec", &script])
        .arg(std::env::current_exe().expect("this program has a path"))
        .args([test, "--exact", "--nocapture"])
        .env(MARK, "1")
        .status()
        .expect("unshare can be run");
    assert!(status.success(), "{test}");
    false
}

/// A server outside of the local ports.
fn server(acts: Vec<Act>) -> Server {
    Server::bind(([127, 0, 0, 1], 5000).into(), None, vec![acts])
}

fn check(args: &[&str], targets: usize) -> Outcome {
    let targets = (0..targets).map(|number| format!("http://127.0.0.1:5000/{number}"));
    Tool::new(env!("CARGO_BIN_EXE_check-tcp")).args(args).args(targets).run()
}

#[test]
fn a_handful_of_ports_costs_time_and_no_verdict() {
    if !alone("a_handful_of_ports_costs_time_and_no_verdict", "40000 40007") {
        return;
    }
    let answer = Act::send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let _server = server(vec![Act::until("\r\n\r\n"), answer, Act::Close]);
    let outcome = check(&["--timeout", "60"], 200);
    assert_eq!(outcome.records.len(), 200);
    assert!(outcome.records.iter().all(|record| observed(record) == "pass -"), "{outcome:#?}");
}

#[test]
fn ports_that_never_come_free_blame_no_target() {
    if !alone("ports_that_never_come_free_blame_no_target", "40000 40001") {
        return;
    }
    let _server = server(vec![Act::Stall]);
    let outcome = check(&["--timeout", "1", "--diagnose", "never"], 6);
    let mut codes: Vec<String> = outcome.records.iter().map(seen).collect();
    codes.sort();
    let expected = [vec!["fail http.timeout"; 2], vec!["inconclusive internal"; 4]].concat();
    assert_eq!(codes, expected, "{outcome:#?}");
    assert_eq!(outcome.code, 2);
}
