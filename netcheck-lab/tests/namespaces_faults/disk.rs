//! Where the records go: a full disk, a disk that takes none, a reader that is slow, another run's file.

use crate::fault::{fault, kept};

#[test]
fn a_disk_that_fills_up_keeps_whole_records_and_is_exit_code_2() {
    let run =
        fault("healthy", "mkdir s && mount -t tmpfs -o size=64k none s && cd s && check; cp n.jsonl ..");
    run.ended(2, 10_000);
    assert!(run.said.contains("No space left on device"), "{}", run.said);
    let kept = run.kept();
    assert!((20..kept.planned).contains(&kept.records.len()) && kept.end.is_none());
}

#[test]
fn a_read_only_root_is_a_sentence_and_records_go_where_they_can() {
    let script = "mount -o remount,bind,ro / && check; cd /run/lab && check; wc -l <n.jsonl";
    let run = fault("healthy", script);
    assert!(run.said.contains("n.jsonl: Read-only file system"), "{}", run.said);
    run.ended(2, 2_000);
    assert!(run.said.contains("code 0\n") && run.said.trim_end().ends_with("\n234"), "{}", run.said);
}

#[test]
fn a_reader_that_is_slow_gets_every_record() {
    let script = "{ $NETCHECK --output - 2>/run/lab/err; echo \"code $?\" >code; } | { read -r first; sleep 3; echo \"$first\"; cat; } >n.jsonl; cat code";
    let run = fault("healthy", script);
    assert_eq!(run.number("code"), 0, "{}", run.said);
    run.kept().is_complete();
}

#[test]
fn a_second_run_leaves_the_first_ones_file_alone() {
    let script = "$NETCHECK --output n.jsonl >/dev/null 2>&1 & begun 0; check; wait $!; echo \"first $?\"";
    let run = fault("default-deny", script);
    run.ended(2, 1_000);
    assert!(run.said.contains("another run writes it"), "{}", run.said);
    assert_eq!(run.number("first"), 1, "{}", run.said);
    run.kept().is_complete();
}

#[test]
fn a_later_run_keeps_the_earlier_ones_records() {
    let run = fault("healthy", "check; check");
    run.ended(0, 10_000);
    run.kept().is_complete();
    kept(&run.path("n.jsonl.1")).is_complete();
}
