//! The stages of a record as bars, each as long as it took.

use std::fmt::Write;

use netcheck_record::record::{Record, Verdict};

use super::super::xml::Text;
use crate::records::Observation;

/// How long a record took, in microseconds.
pub(super) fn total(record: &Record) -> u64 {
    record.stages.iter().map(|stage| stage.us).fold(0, u64::saturating_add)
}

/// The verdict and the reason in words.
pub(super) fn word(observation: &Observation) -> String {
    match observation.verdict {
        Verdict::Pass => "pass".to_owned(),
        verdict => format!("{}: {}", verdict.as_str(), observation.outcome_code()),
    }
}

/// The bars, to the scale of `longest`, as a picture that says its numbers.
pub(super) fn of(record: &Record, longest: u64) -> String {
    const WIDTH: u64 = 260;
    let words: Vec<String> = record.stages.iter().take(12).map(one).collect();
    let label = words.join(", ");
    let mut svg = format!(
        "<svg class=\"bars\" width=\"{WIDTH}\" height=\"14\" viewBox=\"0 0 {WIDTH} 14\" role=\"img\" aria-label=\"{}\">",
        Text(&label)
    );
    let mut x = 0;
    for stage in record.stages.iter().take(12) {
        let wide = u128::from(stage.us) * u128::from(WIDTH) / u128::from(longest.max(1));
        let wide = u64::try_from(wide).unwrap_or(WIDTH).clamp(2, WIDTH);
        let class = if stage.ok { "ok" } else { "bad" };
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{x}\" y=\"1\" width=\"{wide}\" height=\"12\"><title>{}</title></rect>",
            Text(&one(stage))
        );
        x = (x + wide + 1).min(WIDTH - 2);
    }
    format!("{svg}</svg><span class=\"ms\">{}</span>", Text(&label))
}

fn one(stage: &netcheck_record::record::Stage) -> String {
    let outcome = if stage.ok { "" } else { " failed" };
    format!("{} {}{outcome}", stage.stage, time(stage.us))
}

/// A duration as people read it.
fn time(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..100_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        100_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}
