//! A rehearsal before a real haproxy: it says what it will send, and SIGINT keeps the timeline and the page.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its stage has failed")]
#![expect(clippy::disallowed_methods, reason = "haproxy is ready when its port answers")]
#![expect(dead_code, reason = "the slow tests use the rest")]

mod rehearse;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rehearse::{Haproxy, command, rehearsed};

#[test]
fn sigint_keeps_the_timeline_and_the_page() {
    let proxy = Haproxy::start("  timeout client 1h\n  timeout tunnel 1h");
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(folder.path(), &[proxy.target()], &["--for", "2h", "-v"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("rehearsal of 2 h"), "{line}");
    // One active connection with its idle one, and eight idle ones: all are held by then.
    proxy.wait_for_sessions(10);
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let shown = rehearsed(folder.path(), &child.wait_with_output().unwrap());
    assert_eq!(shown.code, Some(130), "{}", shown.stdout);
    assert!(shown.stdout.starts_with("Interrupted after "), "{}", shown.stdout);
    assert_eq!(shown.lines.last().unwrap()["run"]["interrupted"], true);
    let held = shown.lines.iter().filter(|line| line["facts"]["hold"]["interrupted"] == true).count();
    assert!(held >= 1, "{} lines, {held} held", shown.lines.len());
    assert!(shown.page.contains("Interrupted after "));
}
