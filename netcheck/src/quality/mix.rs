//! The mix of an event: its parts alone, together, and together on a full line; what each measured.

use netcheck_record::record::{Record, Verdict};
use serde::Serialize;
use serde_json::Value;

/// A part of the mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// `play`, `publish`, `datagrams`, `load`.
    pub(super) name: &'static str,
    /// The tool that measures it.
    pub(super) tool: &'static str,
    /// Its target.
    pub(super) target: String,
    /// The tool's arguments.
    pub(super) args: Vec<String>,
}

/// Parts that are measured at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phase {
    /// `alone`, `together`, `under load`.
    pub(super) name: &'static str,
    /// The parts.
    pub(super) parts: Vec<Part>,
}

/// The phases of a mix: each part alone, all at once, all at once with the load.
pub(super) fn phases(parts: &[Part]) -> Vec<Phase> {
    let media: Vec<Part> = parts.iter().filter(|part| part.name != "load").cloned().collect();
    let mut phases: Vec<Phase> =
        media.iter().map(|part| Phase { name: "alone", parts: vec![part.clone()] }).collect();
    if media.len() > 1 {
        phases.push(Phase { name: "together", parts: media });
    }
    phases.push(Phase { name: "under load", parts: parts.to_vec() });
    phases
}

/// What one part measured.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub(super) struct Figure {
    /// The part.
    pub(super) part: &'static str,
    /// Whether it holds; absent where there is no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) holds: Option<bool>,
    /// The figures in words.
    pub(super) words: String,
    /// `path`, `receiver`, `sender`, where something shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limited_by: Option<String>,
    /// Whether it went through a proxy, whose own windows and limits are not visible.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) proxied: bool,
    /// Round trips per minute under load, and their class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rpm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) class: Option<String>,
    /// What load adds to the delay, in milliseconds, and its grade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) added_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) grade: Option<String>,
}

/// What a phase measured.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub(super) struct Step {
    /// The phase.
    pub(super) phase: &'static str,
    /// Its figures.
    pub(super) figures: Vec<Figure>,
}

impl Step {
    /// Reads the records of a phase.
    pub(super) fn new(phase: &Phase, records: Vec<(&'static str, Option<Record>)>) -> Step {
        let figures = records.into_iter().map(|(part, record)| figure(part, record.as_ref())).collect();
        Step { phase: phase.name, figures }
    }
}

fn figure(part: &'static str, record: Option<&Record>) -> Figure {
    let facts = |pointer: &str| {
        let (heading, rest) = pointer.split_once('/')?;
        record?.facts.get(heading)?.pointer(&format!("/{rest}"))
    };
    let number = |pointer: &str| facts(pointer).and_then(Value::as_f64);
    let text = |pointer: &str| facts(pointer).and_then(Value::as_str).map(str::to_owned);
    let mut words = Vec::new();
    for (heading, verb) in
        [("publish", "published"), ("download", "downloaded"), ("under_load", "downloaded")]
    {
        let rate = number(&format!("{heading}/throughput_kbps"));
        words.extend(rate.map(|kbps| format!("{:.1} Mbit/s {verb}", kbps / 1000.0)));
    }
    words.extend(text("download/words"));
    words.extend(number("quality/loss").map(|loss| format!("{:.1} % lost", loss * 100.0)));
    words.extend(number("quality/jitter_us").map(|us| format!("jitter {:.1} ms", us / 1000.0)));
    words.extend(number("quality/mos").map(|mos| format!("MOS {mos:.1}")));
    if let Some(failure) = record.and_then(|record| record.failure.as_ref()) {
        words.push(failure.detail.clone());
    }
    if words.is_empty() {
        words.push(if record.is_some() { "no figures" } else { "no result" }.to_owned());
    }
    let limits = ["publish", "download", "under_load"];
    Figure {
        part,
        holds: record.and_then(|record| match record.verdict {
            Verdict::Pass => Some(true),
            Verdict::Degraded | Verdict::Fail => Some(false),
            Verdict::Inconclusive => None,
        }),
        words: netcheck_record::escape::line(&words.join(", "), 300),
        limited_by: limits.iter().find_map(|heading| text(&format!("{heading}/limited_by"))),
        proxied: record.and_then(|record| record.path.as_ref()).is_some_and(|path| path.proxy.is_some()),
        rpm: number("under_load/rpm"),
        class: text("under_load/class"),
        added_ms: number("under_load/added_us").map(|us| (us / 100.0).round() / 10.0),
        grade: text("under_load/grade"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &'static str) -> Part {
        Part { name, tool: "tcp", target: String::new(), args: Vec::new() }
    }

    #[test]
    fn a_mix_is_measured_alone_together_and_under_load() {
        let names = |parts: &[Part]| -> Vec<(&'static str, usize)> {
            phases(parts).iter().map(|phase| (phase.name, phase.parts.len())).collect()
        };
        assert_eq!(names(&[part("load")]), [("under load", 1)]);
        assert_eq!(names(&[part("play"), part("load")]), [("alone", 1), ("under load", 2)]);
        assert_eq!(
            names(&[part("play"), part("datagrams"), part("load")]),
            [("alone", 1), ("alone", 1), ("together", 2), ("under load", 3)]
        );
    }
}
