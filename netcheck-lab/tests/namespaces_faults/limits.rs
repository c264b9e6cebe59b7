//! What the system withholds: descriptors, memory, processes; and processes that are killed.

use crate::fault::fault;

#[test]
fn few_descriptors_are_a_sentence_and_exit_code_2() {
    for few in [4, 6, 9, 12] {
        let run = fault("healthy", &format!("NETCHECK=\"prlimit --nofile={few} $NETCHECK\"; check"));
        run.ended(2, 10_000);
        assert!(
            !run.said.contains("panicked") && run.said.contains("Too many open files"),
            "{few}: {}",
            run.said
        );
    }
}

#[test]
fn a_tool_with_few_descriptors_says_so_and_never_panics() {
    let script = "for few in 4 5 6 7 8 9 10; do prlimit --nofile=$few $TOOLS/check-tcp --timeout 1 tcp://127.0.0.1:9 2>&1; \
                  echo \"ended $?\"; done";
    let run = fault("healthy", script);
    let codes: Vec<&str> = run.said.lines().filter_map(|line| line.strip_prefix("ended ")).collect();
    assert_eq!(codes.len(), 7, "{}", run.said);
    assert!(codes.iter().all(|code| ["0", "2"].contains(code)), "{}", run.said);
    assert!(
        !run.said.contains("panicked") && run.said.contains("the system gives no event loop"),
        "{}",
        run.said
    );
}

#[test]
fn little_memory_means_fewer_targets_at_once_and_every_record() {
    let run = fault("healthy", "ulimit -v 131072; check --jobs 2000");
    run.ended(0, 30_000);
    run.kept().is_complete();
}

#[test]
fn no_more_processes_are_a_sentence_and_exit_code_2() {
    // Whoever is root outside has no such limit, so the run is another user's.
    let script = "chmod 777 . /run/lab; \
                  case \"$(tr -s ' ' </proc/self/uid_map)\" in ' 0 0 '*) user='setpriv --reuid 65534 --clear-groups' ;; esac; \
                  NETCHECK=\"prlimit --nproc=1 $user $NETCHECK\"; check";
    let run = fault("healthy", script);
    run.ended(2, 5_000);
    assert!(run.said.contains("Resource temporarily unavailable"), "{}", run.said);
}

#[test]
fn a_killed_tool_costs_its_own_records_alone() {
    let run = fault("default-deny", "(begun; kill -KILL $(pidof check-udp)) & check");
    run.ended(2, 15_000);
    assert!(run.said.contains("check-udp was killed"), "{}", run.said);
    let kept = run.kept();
    let others = kept.records.iter().filter(|record| record["check"] != "udp").count();
    assert!(kept.end.is_some() && others > 200, "{others}");
}

#[test]
fn a_killed_run_takes_its_tools_with_it() {
    let script = "check & begun; kill -KILL $(pidof netcheck); from=$(date +%s%3N); \
                  gone; echo \"left $(tools)\"; echo \"gone $(( $(date +%s%3N) - from ))\"; wait";
    let run = fault("default-deny", script);
    assert!(run.number("left") == 0 && run.number("gone") <= 1_000, "{}", run.said);
    assert!(run.kept().end.is_none());
}

#[test]
fn a_signal_ends_a_run_at_once_even_where_it_was_blocked_before() {
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let script = format!(
            "NETCHECK=\"env --block-signal --default-signal=INT,HUP $NETCHECK\"; check & begun; \
             from=$(date +%s%3N); kill -{signal} $(pidof netcheck); wait; echo \"left $(tools)\"; \
             echo \"gone $(( $(date +%s%3N) - from ))\""
        );
        let run = fault("default-deny", &script);
        assert_eq!((run.number("code"), run.number("left")), (code, 0), "{}", run.said);
        assert!(run.number("gone") <= 1_000, "{}", run.said);
        let end = run.kept().end.unwrap();
        assert_eq!(end["run"]["interrupted"], true);
    }
}
