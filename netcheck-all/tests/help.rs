//! `--help` of the six tools, side by side: the same order, the same words, and examples that run.
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its folder has failed")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const TOOLS: [&str; 6] = ["tcp", "wss", "rtmps", "udp", "push", "mail"];
/// The headings of each tool, in their order.
const HEADINGS: [&str; 11] = [
    "Options:",
    "Targets:",
    "Time and load:",
    "Network:",
    "Proxy:",
    "TLS:",
    "Diagnosis:",
    "Output:",
    "Examples:",
    "Exit codes:",
    "Files and variables:",
];

/// A folder with the program under the name of every tool, and a message that an example names.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    for tool in TOOLS {
        symlink(env!("CARGO_BIN_EXE_netcheck-all"), folder.path().join(format!("check-{tool}"))).unwrap();
    }
    fs::write(folder.path().join("login.eml"), "Subject: Log in\r\n\r\nHello\r\n").unwrap();
    folder
}

fn bash(folder: &Path, line: &str) -> Output {
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    Command::new("bash").args(["-c", line]).current_dir(folder).env("PATH", path).output().unwrap()
}

fn help(folder: &Path, tool: &str) -> String {
    String::from_utf8(bash(folder, &format!("check-{tool} --help")).stdout).unwrap()
}

/// The lines below a heading, up to the next one.
fn section<'a>(help: &'a str, heading: &str) -> Vec<&'a str> {
    let below = help.lines().skip_while(|line| *line != heading).skip(1);
    below
        .take_while(|line| line.is_empty() || line.starts_with(' '))
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn every_tool_says_what_it_does_and_then_the_same_headings_in_the_same_order() {
    let folder = folder();
    for tool in TOOLS {
        let help = help(folder.path(), tool);
        assert!(help.starts_with("Checks "), "check-{tool}: {help}");
        let usage = format!("Usage: check-{tool} [OPTIONS] [TARGET]...");
        assert_eq!(help.lines().filter(|line| line.starts_with("Usage:")).collect::<Vec<_>>(), [usage]);
        let headings: Vec<&str> =
            help.lines().filter(|line| !line.starts_with([' ', 'U']) && line.ends_with(':')).collect();
        assert_eq!(headings, HEADINGS, "check-{tool}");
    }
}

#[test]
fn what_the_tools_share_is_in_the_same_words() {
    let folder = folder();
    let tcp = help(folder.path(), "tcp");
    for tool in TOOLS {
        let help = help(folder.path(), tool);
        for heading in HEADINGS.into_iter().filter(|heading| !["Options:", "Examples:"].contains(heading)) {
            let (all, own) = (section(&tcp, heading), section(&help, heading));
            // Variables of its own come first, and those of proxies are in tools that read them.
            let extra = heading == "Files and variables:";
            let same = own == all || extra && own[own.len().saturating_sub(4)..] == all[1..];
            assert!(same, "check-{tool}, {heading}\n{own:#?}\n{all:#?}");
        }
    }
}

#[test]
fn no_line_is_wider_than_100_columns() {
    let folder = folder();
    for tool in TOOLS {
        let help = help(folder.path(), tool);
        let wide: Vec<&str> = help.lines().filter(|line| line.chars().count() > 100).collect();
        assert_eq!(wide, [""; 0], "check-{tool}");
    }
}

#[test]
fn every_example_is_a_command_line_that_the_tool_accepts() {
    let folder = folder();
    for tool in TOOLS {
        let help = help(folder.path(), tool);
        let examples = section(&help, "Examples:");
        assert!(examples.len() > 2, "check-{tool}: {examples:?}");
        for example in examples {
            // Nothing is sent: a tool reads its whole command line and says which proxies it would use.
            let command = example.split(" | ").next().unwrap();
            let output = bash(folder.path(), &format!("{command} --list-proxies"));
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.code().is_some_and(|code| code < 2), "{example}: {stderr}");
            assert!(!output.stdout.is_empty(), "{example}: {stderr}");
        }
    }
}

#[test]
fn a_slip_of_the_keyboard_is_answered_by_what_was_meant() {
    let folder = folder();
    let said = |line: &str| String::from_utf8(bash(folder.path(), line).stderr).unwrap();
    assert_eq!(
        said("check-tcp htps://www.spotme.com"),
        "check-tcp: htps://www.spotme.com: the scheme is not known; did you mean https://? \
         (check-tcp has tcp, tls, http, https)\nTry 'check-tcp --help'.\n"
    );
    assert_eq!(
        said("check-udp gopher://www.spotme.com"),
        "check-udp: gopher://www.spotme.com: the scheme is not known \
         (check-udp has stun, turn, turns, quic, h3, icmp)\nTry 'check-udp --help'.\n"
    );
    assert_eq!(
        said("check-tcp tcp://www.spotme.com"),
        "check-tcp: tcp://www.spotme.com: tcp:// needs a port, as in tcp://www.spotme.com:443\n\
         Try 'check-tcp --help'.\n"
    );
    assert_eq!(
        said("check-tcp https://www.spotme.con --list-proxies"),
        "check-tcp: did you mean www.spotme.com?\n"
    );
    assert_eq!(
        said("check-tcp --tmeout 2 https://www.spotme.com").lines().nth(2),
        Some("  tip: a similar argument exists: '--timeout'")
    );
}
