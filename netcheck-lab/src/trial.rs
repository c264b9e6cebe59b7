//! A hostile target beside a good one: the hostile one ends in time, the good one is unharmed, memory stays small.

use serde_json::Value;

use crate::tool::{Outcome, Tool};

/// The most memory a run may have held, in KiB.
const MEMORY: i64 = 60 << 10;
/// What a target may take: `--deadline`.
const DEADLINE: &str = "3";
/// The same in microseconds, and what a busy machine may add to each of its timers.
const MOST: u64 = (3 + 12) * 1_000_000;

/// Checks a hostile target and a healthy one at once; returns the record of the hostile one.
///
/// # Panics
/// Ends the test when the healthy one suffers, the hostile one outlives its deadline, memory grows, or anything
/// harmful is written.
#[must_use]
pub fn check_beside_healthy(tool: Tool, hostile: &str, healthy: &str) -> Value {
    // The tool itself is ended after a bound of its own, so a run without end fails here too.
    let tool = tool.args(["--timeout", "2", "--deadline", DEADLINE]);
    let outcome = tool.args([hostile, healthy]).run();
    assert!((0..=2).contains(&outcome.code), "{outcome:#?}");
    assert_eq!(outcome.records.len(), 2, "{outcome:#?}");
    assert_harmless(&outcome);
    let memory = memory();
    assert!(memory < MEMORY, "{memory} KiB");
    let (good, bad): (Vec<_>, Vec<_>) =
        outcome.records.into_iter().partition(|record| record["target"] == healthy);
    assert_eq!(good[0]["verdict"], "pass", "{good:#?}");
    assert!(bad[0].to_string().len() < 16 << 10, "a record is not a copy of what was sent: {bad:#?}");
    let stages = bad[0]["stages"].as_array().into_iter().flatten();
    let took: u64 = stages.filter_map(|stage| stage["us"].as_u64()).sum();
    assert!(took < MOST, "{took} us: {bad:#?}");
    bad[0].clone()
}

/// Nothing that was written can move a cursor, colour a line, or turn text around.
///
/// # Panics
/// Ends the test where something can.
pub fn assert_harmless(outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        let harm = text.chars().find(|c| {
            c.is_control() && *c != '\n'
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert_eq!(harm, None, "{text:?}");
    }
}

/// The largest resident set of any tool this program has run, in KiB. A program that is started counts as large as the
/// one that starts it, so tests that ask for this stay small themselves.
#[must_use]
pub fn memory() -> i64 {
    use nix::sys::resource::{UsageWho, getrusage};
    getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss()
}
