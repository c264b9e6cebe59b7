//! What a machine may lack: /proc, settings of the resolver, a clock that runs evenly.

use crate::fault::fault;

#[test]
fn without_proc_a_run_is_as_it_was() {
    let script = "NETCHECK=$(echo \"$NETCHECK\" | sed \"s|--tools [^ ]*||\"); umount -l /proc; check";
    let run = fault("healthy", script);
    run.ended(0, 10_000);
    run.kept().is_complete();
}

#[test]
fn without_settings_of_a_resolver_every_target_has_its_record() {
    let run = fault("healthy", "mount -t tmpfs none /etc && check");
    run.ended(1, 15_000);
    let kept = run.kept();
    kept.is_complete();
    let unnamed = kept
        .records
        .iter()
        .filter(|record| record["failure"]["code"].as_str().is_some_and(|code| code.starts_with("dns.")));
    assert!(unnamed.count() > 200);
}

#[test]
fn a_clock_that_jumps_bends_no_duration_and_ends_no_run() {
    let script = "\
        export FAKETIME_TIMESTAMP_FILE=/run/lab/time FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1\n\
        echo +0 >/run/lab/time\n\
        lib=$(find /usr/lib -name libfaketimeMT.so.1 | head -n 1); [ -n \"$lib\" ] || echo no library\n\
        (begun; echo +2h >/run/lab/time; begun 60; echo -3h >/run/lab/time) &\n\
        NETCHECK=\"env LD_PRELOAD=$lib $NETCHECK\"; check";
    let run = fault("default-deny", script);
    run.ended(1, 15_000);
    assert!(!run.said.contains("no library"), "{}", run.said);
    let kept = run.kept();
    kept.is_complete();
    let stages = kept.records.iter().flat_map(|record| record["stages"].as_array().unwrap());
    let longest = stages.filter_map(|stage| stage["us"].as_u64()).max().unwrap();
    assert!((1_000_000..12_000_000).contains(&longest), "{longest} us");
}
