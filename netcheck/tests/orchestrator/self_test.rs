//! `self-test` on tools that are missing, of another version, or wrong. The real tools pass it in netcheck-all's tests.

use crate::fake::{Outcome, Stage, finish, netcheck};

/// `netcheck self-test` on the tools of a folder, with a trust store that is always the same.
fn self_test(stage: &Stage) -> Outcome {
    let store = stage.dir.path().join("store.pem");
    std::fs::write(&store, "").unwrap();
    let mut command = netcheck();
    command.arg("self-test").arg("--tools").arg(stage.dir.path()).env("SSL_CERT_FILE", &store);
    command.env_remove("SSL_CERT_DIR");
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    finish(command.spawn().unwrap())
}

/// The lines of the steps that a test is about.
fn steps(outcome: &Outcome, part: &str) -> String {
    let lines = outcome.stdout.lines().filter(|line| line.contains(part));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_tool_that_is_missing_fails_and_the_line_says_what_to_do() {
    let outcome = self_test(&Stage::empty());
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(2), ""));
    insta::assert_snapshot!(steps(&outcome, "system") + &steps(&outcome, "check-") + &steps(&outcome, "steps"), @r"
    FAIL  system       trust store: holds no certificate: install the package ca-certificates, or set SSL_CERT_FILE; without it netcheck cannot say whether this system trusts an intercepted connection
    FAIL  check-tcp    program: not found: install it beside netcheck, or name its folder with --tools
    FAIL  check-wss    program: not found: install it beside netcheck, or name its folder with --tools
    FAIL  check-rtmps  program: not found: install it beside netcheck, or name its folder with --tools
    FAIL  check-udp    program: not found: install it beside netcheck, or name its folder with --tools
    FAIL  check-push   program: not found: install it beside netcheck, or name its folder with --tools
    FAIL  check-mail   program: not found: install it beside netcheck, or name its folder with --tools
    netcheck 0.1.0: 7 of 10 steps failed
    ");
}

#[test]
fn a_tool_of_another_version_fails_and_is_not_run() {
    let stage = Stage::empty();
    stage.script("tcp", "[ \"$1\" = --version ] && echo check-tcp 0.0.9");
    let outcome = self_test(&stage);
    assert_eq!(outcome.code, Some(2));
    insta::assert_snapshot!(steps(&outcome, "check-tcp"), @"FAIL  check-tcp    program: 0.0.9, but netcheck is 0.1.0: install both from one release");
}

#[test]
fn a_tool_that_prints_no_record_or_fails_is_named() {
    let stage = Stage::empty();
    let version = env!("CARGO_PKG_VERSION");
    stage
        .script("tcp", &format!("[ \"$1\" = --version ] && echo check-tcp {version} && exit; echo nonsense"));
    stage.script("wss", &format!("[ \"$1\" = --version ] && echo check-wss {version} && exit; exit 7"));
    let outcome = self_test(&stage);
    assert_eq!(outcome.code, Some(2));
    let folder = stage.dir.path().display().to_string();
    let text = steps(&outcome, "check-tcp") + &steps(&outcome, "check-wss");
    insta::assert_snapshot!(text.replace(&folder, "FOLDER"), @r#"
    ok    check-tcp    program: 0.1.0, FOLDER/check-tcp
    FAIL  check-tcp    tcp:// open port: expected a record, found "nonsense"
    FAIL  check-tcp    tcp:// closed port: expected a record, found ""
    FAIL  check-tcp    tls:// TLS alert: expected a record, found ""
    ok    check-wss    program: 0.1.0, FOLDER/check-wss
    FAIL  check-wss    ws:// HTTP 404: FOLDER/check-wss failed (exit status: 7): run it to see why
    "#);
}

#[test]
fn the_help_has_examples_and_exit_codes() {
    let output = netcheck().args(["self-test", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("Examples:\n  netcheck self-test\n"), "{help}");
    assert!(help.contains("Exit codes:\n  0  every step passed\n"), "{help}");
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
}
