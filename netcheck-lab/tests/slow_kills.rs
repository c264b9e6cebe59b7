//! A run that is killed at any moment, a hundred times: no tool is left behind, no finished record is lost, no file is
//! mixed or torn.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end")]

#[path = "namespaces_faults/fault.rs"]
mod fault;

use fault::{Outcome, fault, kept};

/// The seed of moments and signals; the same seed kills the same runs.
const SEED: u64 = 22;
const KILLS: u32 = 100;
/// A run in this network takes about three seconds.
const LONGEST_MS: u64 = 3_000;

/// One run: what ended it, what it said at its end, and what was there before.
struct Killed<'a> {
    signal: &'a str,
    code: u64,
    /// The lines that were in the file just before the signal, and afterwards.
    before: usize,
    after: usize,
    left: u64,
}

#[test]
fn a_hundred_kills_lose_no_finished_record_and_leave_no_tool_behind() {
    let run = fault("default-deny", &script());
    let killed: Vec<Killed> = run.said.lines().filter_map(read).collect();
    assert_eq!(killed.len(), KILLS as usize, "{}", run.said);
    for (number, one) in killed.iter().enumerate() {
        assert_eq!(one.left, 0, "run {number}, {}: a tool is left after a second", one.signal);
        assert!(one.after >= one.before, "run {number}, {}: records are gone", one.signal);
        file(&run, number, one);
    }
}

/// What is on disk of one run.
fn file(run: &Outcome, number: usize, one: &Killed) {
    let path = run.path(&format!("{number}.jsonl"));
    // It may have been killed before there was a file, or a handler.
    if !path.exists() {
        return;
    }
    let kept = kept(&path);
    let expected = match one.signal {
        "TERM" => 143,
        "INT" => 130,
        "HUP" => 129,
        _ => 137,
    };
    // 1 where the run had ended before: every planned target is there.
    assert!(one.code == expected || one.code == 1, "run {number}, {}: {}", one.signal, one.code);
    if one.code == 1 {
        kept.is_complete();
    } else if one.signal != "KILL" && one.before > 0 {
        assert_eq!(kept.end.unwrap()["run"]["interrupted"], true, "run {number}");
    }
}

/// Kills one run after another; each in a file of its own.
fn script() -> String {
    let mut state = SEED;
    let mut plan = String::new();
    for number in 0..KILLS {
        // A linear congruential generator (Knuth's constants): the moments need no more than to differ.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let signal = ["TERM", "INT", "HUP", "KILL"][(state >> 62) as usize];
        plan.push_str(&format!("one {number} {signal} {}\n", (state >> 33) % LONGEST_MS));
    }
    // A shell without job control starts what is behind in the background with SIGINT ignored.
    format!(
        "one() {{\n\
            env --default-signal=INT $NETCHECK --output $1.jsonl >/dev/null 2>&1 & pid=$!\n\
            sleep $(printf %d.%03d $(( $3 / 1000 )) $(( $3 % 1000 )))\n\
            before=$(cat $1.jsonl 2>/dev/null | wc -l)\n\
            kill -$2 $pid 2>/dev/null\n\
            for _ in $(seq 50); do [ \"$(tools)\" = 0 ] && break; sleep 0.02; done\n\
            left=$(tools); wait $pid; code=$?\n\
            echo \"killed $2 $code $before $(cat $1.jsonl 2>/dev/null | wc -l) $left\"\n\
         }}\n{plan}"
    )
}

fn read(line: &str) -> Option<Killed<'_>> {
    let mut words = line.strip_prefix("killed ")?.split(' ');
    let signal = words.next()?;
    let mut number = || words.next()?.parse::<u64>().ok();
    let (code, before, after, left) = (number()?, number()?, number()?, number()?);
    let count = |number: u64| usize::try_from(number).unwrap();
    Some(Killed { signal, code, before: count(before), after: count(after), left })
}
