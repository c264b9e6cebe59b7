//! Running a tool keeps this machine's settings away from it, and its records come back.

use netcheck_lab::tool::{Tool, normal};
use serde_json::json;

#[test]
fn input_files_and_environment_reach_the_tool_and_its_output_comes_back() {
    let script = r#"read line; cat note.json; echo "$line"; echo "$WORD" >&2; exit 3"#;
    let outcome = Tool::new("/bin/sh")
        .args(["-c", script])
        .file("note.json", "{\"a\":1}\n")
        .stdin("not a record\n")
        .env("WORD", "received")
        .run();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (3, "received\n"));
    assert_eq!(outcome.one(), &json!({"a": 1}));
    assert_eq!(outcome.stdout, "{\"a\":1}\nnot a record\n");
}

#[test]
fn the_trust_store_is_an_empty_file() {
    let outcome =
        Tool::new("/bin/sh").args(["-c", "test -f \"$SSL_CERT_FILE\" && ! test -s \"$SSL_CERT_FILE\""]).run();
    assert_eq!(outcome.code, 0);
}

#[test]
fn a_running_tool_can_be_read_and_interrupted() {
    let mut running = Tool::new("/bin/sh").args(["-c", "echo '{\"first\":1}'; exec cat"]).start();
    assert_eq!(running.line().as_deref(), Some("{\"first\":1}\n"));
    running.interrupt();
    let outcome = running.wait();
    assert_eq!(outcome.records, [json!({"first": 1})]);
}

#[test]
fn what_changes_from_run_to_run_becomes_constant() {
    let record = json!({
        "ts": "2026-11-22T07:00:00.123Z", "target": "tcp://127.0.0.1:43210",
        "stages": [{"stage": "tcp", "ok": true, "us": 77}],
        "path": {"address": "127.0.0.1:43210", "local": "127.0.0.1:50000"},
        "cause": {"fix": "Allow TCP 43210 to 127.0.0.1, not 443210."}, "facts": {"rtt_us": 5, "count": 5},
    });
    let expected = json!({
        "ts": "TS", "target": "tcp://127.0.0.1:PORT",
        "stages": [{"stage": "tcp", "ok": true, "us": 0}],
        "path": {"address": "127.0.0.1:PORT", "local": "LOCAL"},
        "cause": {"fix": "Allow TCP PORT to 127.0.0.1, not 443210."}, "facts": {"rtt_us": 0, "count": 5},
    });
    assert_eq!(normal(&record), expected);
}
