//! What a long run leaves open: nothing.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use netcheck_lab::UdpServer;

use crate::answers::{bound, challenge, method};

/// How many entries a folder of the process has in /proc.
fn entries(pid: u32, folder: &str) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/{folder}")).unwrap().count()
}

#[test]
fn a_thousand_exchanges_leave_no_descriptor_and_no_thread_behind() {
    let server = UdpServer::new(|request, peer| match method(request) {
        1 => vec![bound(request, peer)],
        _ => vec![challenge(request)],
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_check-udp"))
        // So few at once are the work of one lane: a second one would be a thread more from then on.
        .args(["--jobs", "31", "--timeout", "20"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut records = BufReader::new(child.stdout.take().unwrap()).lines();
    // The process waits for more input when all its records are out: whatever is open then stays open.
    let mut exchange = |pairs: usize| {
        let targets = format!("stun://127.0.0.1:{0}\nturn://127.0.0.1:{0}\n", server.port);
        input.write_all(targets.repeat(pairs).as_bytes()).unwrap();
        for _ in 0..2 * pairs {
            let record = records.next().unwrap().unwrap();
            assert!(record.contains(r#""verdict":"pass""#), "{record}");
        }
        (entries(child.id(), "fd"), entries(child.id(), "task"))
    };
    let before = exchange(1);
    assert_eq!(exchange(500), before);
    drop(input);
    assert!(child.wait().unwrap().success());
}
