//! The release for 64-bit ARM: its programs, run by an emulator in networks that misbehave. What building needs is in
//! `xtask/packages-aarch64.txt`; without it the test fails with the list of what is missing.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

const XTASK: &str = env!("CARGO_BIN_EXE_xtask");
const TRIPLE: &str = "aarch64-unknown-linux-gnu";
/// The emulator of one process (Debian: qemu-user-static).
const EMULATOR: &str = "qemu-aarch64-static";
/// Scenario, command, and the result: `pass` or the failure code.
const EXPECTED: [(&str, &str, &str); 9] = [
    ("healthy", "check-tcp https://www.spotme.com/", "pass"),
    ("healthy", "check-rtmps rtmps://eu-channel.spotme.com:10000", "pass"),
    ("healthy", "check-udp stun://hlg.tokbox.com:443", "pass"),
    ("drop-hop2", "check-tcp tcp://eu-channel.spotme.com:10001", "tcp.timeout"),
    ("drop-hop2", "check-rtmps rtmps://eu-channel.spotme.com:10000", "tcp.timeout"),
    ("drop-hop2", "check-udp stun://hlg.tokbox.com:443", "pass"),
    ("udp-drop", "check-tcp https://www.spotme.com/", "pass"),
    ("udp-drop", "check-rtmps rtmps://eu-channel.spotme.com:10000", "pass"),
    ("udp-drop", "check-udp stun://hlg.tokbox.com:443", "udp.timeout"),
];

/// Runs a command that has to succeed; what it prints.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn programs_for_64_bit_arm_find_what_the_network_does() {
    let installed = Command::new(EMULATOR).arg("--version").output().is_ok();
    assert!(installed, "{EMULATOR} is missing: install the Debian package qemu-user-static");
    let folder = TempDir::new().unwrap();
    said(
        Command::new(XTASK)
            .args(["dist", "--target", TRIPLE, "--profile", "quick", "--out"])
            .arg(folder.path()),
    );
    let programs = folder.path().join(format!("netcheck-{}-{TRIPLE}/bin", env!("CARGO_PKG_VERSION")));
    for (scenario, command, expected) in EXPECTED {
        let (tool, target) = command.split_once(' ').unwrap();
        let mut lab = Command::new(Path::new(XTASK).with_file_name("netcheck-lab"));
        lab.args(["run", scenario, "--", EMULATOR]).arg(programs.join(tool));
        lab.args(["--public-roots", "/run/lab/roots.pem", "--format", "json", target]);
        let output = lab.output().unwrap();
        let record: Value = serde_json::from_slice(&output.stdout).unwrap();
        let result = record["failure"]["code"].as_str().or(record["verdict"].as_str());
        assert_eq!(result, Some(expected), "{scenario}: {command}: {record}");
    }
}
