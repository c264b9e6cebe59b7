//! `netcheck self-test` with the real tools: a folder of links to the one program is a complete installation.

use std::os::unix::fs::symlink;
use std::process::Command;

use tempfile::TempDir;

const TOOLS: [&str; 6] = ["tcp", "wss", "rtmps", "udp", "push", "mail"];

#[test]
fn an_installation_of_links_passes_every_step_whatever_the_environment_says_of_proxies() {
    let folder = TempDir::new().unwrap();
    for name in TOOLS.map(|tool| format!("check-{tool}")).into_iter().chain(["netcheck".to_owned()]) {
        symlink(env!("CARGO_BIN_EXE_netcheck-all"), folder.path().join(name)).unwrap();
    }
    let mut command = Command::new(folder.path().join("netcheck"));
    // A proxy that does not answer: no step may use it.
    command.args(["self-test", "--tools"]).arg(folder.path()).env("https_proxy", "http://127.0.0.1:9");
    command.env("all_proxy", "http://127.0.0.1:9");
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    // Numbers that depend on the machine and on the profiles.
    let own = |line: &&str| !line.contains("trust store:") && !line.contains("profile");
    let text: String = text.lines().filter(own).map(|line| format!("{line}\n")).collect();
    insta::assert_snapshot!(text.replace(&folder.path().display().to_string(), "FOLDER"), @r"
    ok    check-tcp    program: 0.1.0, FOLDER/check-tcp
    ok    check-tcp    tcp:// open port: pass
    ok    check-tcp    tcp:// closed port: tcp.refused
    ok    check-tcp    tls:// TLS alert: tls.alert
    ok    check-wss    program: 0.1.0, FOLDER/check-wss
    ok    check-wss    ws:// HTTP 404: ws.status
    ok    check-rtmps  program: 0.1.0, FOLDER/check-rtmps
    ok    check-rtmps  rtmp:// RTMP handshake: pass
    ok    check-udp    program: 0.1.0, FOLDER/check-udp
    ok    check-udp    stun:// STUN Binding: pass
    ok    check-push   program: 0.1.0, FOLDER/check-push
    ok    check-push   apns:// TLS alert: tls.alert
    ok    check-mail   program: 0.1.0, FOLDER/check-mail
    ok    check-mail   smtp:// SMTP without STARTTLS: smtp.no_starttls
    netcheck 0.1.0: all 18 steps passed
    ");
}
