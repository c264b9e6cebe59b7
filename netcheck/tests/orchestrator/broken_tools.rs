//! `netcheck check` where a tool is missing, killed, hung, or talks nonsense.

use crate::fake::{Stage, naming, pass, row};

#[test]
fn rows_without_their_tool_are_not_checked_and_never_passed() {
    let stage = Stage::empty();
    stage.tool("tcp", pass);
    let run = stage.check(&[]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    insta::assert_snapshot!(row(&run.stdout, "ingest"), @"ingest | not known | 0/153 | nothing was checked");
    insta::assert_snapshot!(row(&run.stdout, "core"), @"core | not known | 5/7 | 2 of 7 planned targets have no record");
    insta::assert_snapshot!(row(&run.stdout, "cdn"), @"cdn | works | 3/3");
    insta::assert_snapshot!(run.messages(&stage), @"
    netcheck: 35 targets, 1 tool; not here: check-wss, check-rtmps, check-udp, check-push, check-mail
    netcheck: check-wss is not in FOLDER: its 9 targets were not checked
    netcheck: check-rtmps is not in FOLDER: its 153 targets were not checked
    netcheck: check-udp is not in FOLDER: its 3 targets were not checked
    netcheck: check-push is not in FOLDER: its 29 targets were not checked
    netcheck: check-mail is not in FOLDER: its target was not checked
    ");
}

#[test]
fn a_folder_without_tools_is_exit_code_2() {
    let stage = Stage::empty();
    let run = stage.check(&["--path", "direct,proxy"]);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
    insta::assert_snapshot!(run.messages(&stage), @"
    netcheck: no proxy is configured: checked is direct only
    netcheck: 0 targets, 0 tools; not here: check-tcp, check-wss, check-rtmps, check-udp, check-push, check-mail
    netcheck: check-tcp is not in FOLDER: its 33 targets were not checked
    netcheck: check-wss is not in FOLDER: its 9 targets were not checked
    netcheck: check-rtmps is not in FOLDER: its 153 targets were not checked
    netcheck: check-udp is not in FOLDER: its 3 targets were not checked
    netcheck: check-push is not in FOLDER: its 29 targets were not checked
    netcheck: check-mail is not in FOLDER: its target was not checked
    ");
}

#[test]
fn a_tool_that_no_chosen_row_needs_may_be_missing() {
    let stage = Stage::empty();
    stage.tool("tcp", pass);
    let run = stage.check(&["--row", "cdn"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn a_tool_that_is_killed_leaves_its_records_and_exit_code_2() {
    let stage = Stage::all(pass);
    stage.script("rtmps", "cat >/dev/null; head -n 3 rtmps.jsonl; printf '{\"v\":1,\"ts\":'; kill -9 $$");
    let run = stage.check(&[]);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
    insta::assert_snapshot!(run.stderr, @r#"
    netcheck: 232 targets, 6 tools
    netcheck: check-rtmps was killed (signal: 9 (SIGKILL)); 150 of 153 records are missing: printed a line that is no record: {"v":1,"ts":
    "#);
    insta::assert_snapshot!(row(&run.stdout, "ingest"), @"ingest | not known | 3/153 | 150 of 153 planned targets have no record");
    assert_eq!(stage.kept().iter().filter(|record| record["check"] == "rtmps").count(), 3);
}

#[test]
fn a_tool_that_hangs_is_ended_and_the_others_are_kept() {
    let stage = Stage::all(pass);
    stage.script("udp", "exec sleep 1000");
    let run = stage.check(&["--timeout", "0.01"]);
    assert_eq!(run.code, Some(2));
    insta::assert_snapshot!(naming(&run.stderr, "check-udp"), @"netcheck: check-udp hung and was ended; 5 of 5 records are missing");
    insta::assert_snapshot!(row(&run.stdout, "core"), @"core | works | 7/7");
}

#[test]
fn a_hung_tool_whose_child_holds_its_output_open_is_ended_too() {
    let stage = Stage::empty();
    stage.script("mail", "sleep 20; true");
    let run = stage.check(&["--timeout", "0.01", "--row", "mail"]);
    assert_eq!(run.code, Some(2));
    insta::assert_snapshot!(run.stderr, @"
    netcheck: 1 target, 1 tool; not here: check-tcp, check-udp
    netcheck: check-mail hung and was ended; its record is missing
    ");
}

#[test]
fn nonsense_lines_are_left_out_and_said() {
    let stage = Stage::all(pass);
    stage.script("mail", "cat >/dev/null; echo 'Segmentation \u{1b}[31mfault'; cat mail.jsonl");
    let run = stage.check(&["-v"]);
    assert_eq!(run.code, Some(2));
    insta::assert_snapshot!(naming(&run.stderr, "check-mail"), @r"
    check-mail: printed a line that is no record: Segmentation \u{1b}[31mfault
    netcheck: check-mail printed a line that is no record: printed a line that is no record: Segmentation \u{1b}[31mfault
    ");
    assert!(!run.stderr.contains('\u{1b}'), "an escape sequence reached the terminal");
    insta::assert_snapshot!(row(&run.stdout, "mail"), @"mail | works | 1/1");
    assert!(stage.kept().iter().all(|record| record["v"] == 1));
}

#[test]
fn what_a_tool_says_is_shown_when_it_fails() {
    let stage = Stage::empty();
    stage.script("mail", "echo 'error: unexpected argument' >&2; exit 2");
    let run = stage.check(&["--row", "mail"]);
    assert_eq!(run.code, Some(2));
    insta::assert_snapshot!(run.messages(&stage), @"
    netcheck: 1 target, 1 tool; not here: check-tcp, check-udp
    netcheck: check-mail ended with exit code 2; its record is missing: error: unexpected argument
    ");
}
