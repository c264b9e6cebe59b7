//! A short rehearsal before a real haproxy: an idle timeout is named, the timeline is whole, and SIGINT keeps it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its stage has failed")]
#![expect(clippy::disallowed_methods, reason = "haproxy is ready when its port answers")]
#![expect(dead_code, reason = "the slow tests use the rest")]

mod rehearse;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rehearse::{Haproxy, command, rehearsed};

#[test]
fn an_idle_timeout_of_haproxy_is_named_and_pings_prevent_it() {
    let proxy = Haproxy::start("  timeout client 2s\n  timeout tunnel 2s");
    let shown = rehearse::rehearse(&[proxy.target()], &["--for", "13s"]);
    assert_eq!(shown.code, Some(1), "{}{}", shown.stdout, shown.stderr);
    let idle = format!("Connections to {} that are idle for ", proxy.target());
    assert_eq!(shown.stdout.matches("\n- ").count(), 1, "{}", shown.stdout);
    let told = shown.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains(&idle) && told.contains(" are cut."), "{}", shown.stdout);
    assert!(told.contains("that was pinged lived longer"), "{}", shown.stdout);
    assert!(shown.page.contains("Does it hold for the length of the show?"));
    assert!(shown.stderr.contains("up to 0 MB of media"), "{}", shown.stderr);
    let (first, last) = (&shown.lines[0]["run"], &shown.lines.last().unwrap()["run"]);
    assert_eq!(first["seconds"], 13.0);
    assert_eq!((&first["id"], last["interrupted"].as_bool()), (&last["id"], Some(false)));
    assert!(shown.lines.iter().any(|line| line["labels"]["rehearsal"] == "idle"));
}

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
