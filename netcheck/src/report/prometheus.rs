//! Prometheus text for the textfile collector: base units, names that begin with `netcheck_`, a `profile` label on each.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Subject;
use crate::assess::{Requirement, Status};

/// One metric: its name, its help and its samples.
struct Metric {
    name: &'static str,
    help: &'static str,
    samples: BTreeMap<String, String>,
}

impl Metric {
    fn new(name: &'static str, help: &'static str) -> Metric {
        Metric { name, help, samples: BTreeMap::new() }
    }

    /// One sample. The same labels twice would make the whole file unreadable: the last one stays.
    fn sample(&mut self, labels: &[(&str, &str)], value: impl ToString) {
        let labels = labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value)));
        self.samples.insert(labels.collect::<Vec<_>>().join(","), value.to_string());
    }

    fn write(&self, text: &mut String) {
        let _ = writeln!(text, "# HELP {} {}\n# TYPE {} gauge", self.name, self.help, self.name);
        for (labels, value) in &self.samples {
            let _ = writeln!(text, "{}{{{labels}}} {value}", self.name);
        }
    }
}

/// The metrics; with one more for each target where that is wanted.
pub(super) fn text(subject: &Subject, targets: bool) -> String {
    let mut text = String::new();
    for metric in requirements(subject).iter().chain(&run(subject)) {
        metric.write(&mut text);
    }
    if targets {
        of_targets(subject).write(&mut text);
    }
    text
}

fn requirements(subject: &Subject) -> [Metric; 3] {
    let mut works = Metric::new(
        "netcheck_requirement_works",
        "Whether the requirement works from here, with limits or without.",
    );
    let mut status =
        Metric::new("netcheck_requirement_status", "1 for the requirement's status, 0 for the others.");
    let mut targets =
        Metric::new("netcheck_requirement_targets", "Counted targets of the requirement, by verdict.");
    let profile = ("profile", subject.profile.name.as_str());
    for one in &subject.assessment.report.requirements {
        let name = ("requirement", one.name.as_str());
        works.sample(&[profile, name, ("role", &one.role)], u8::from(one.status.usable()));
        for each in Status::ALL {
            status.sample(&[profile, name, ("status", each.as_str())], u8::from(one.status == each));
        }
        for (verdict, count) in verdicts(one) {
            targets.sample(&[profile, name, ("verdict", verdict)], count);
        }
    }
    [works, status, targets]
}

fn verdicts(requirement: &Requirement) -> [(&'static str, u64); 4] {
    let targets = requirement.targets;
    [
        ("pass", targets.passed),
        ("degraded", targets.degraded),
        ("fail", targets.failed),
        ("inconclusive", targets.inconclusive),
    ]
}

fn run(subject: &Subject) -> [Metric; 4] {
    let run = &subject.assessment.report.run;
    let profile = [("profile", subject.profile.name.as_str())];
    let mut when = Metric::new(
        "netcheck_run_timestamp_seconds",
        "When the newest record was made, in seconds since 1970.",
    );
    when.sample(&profile, run.newest);
    let mut planned = Metric::new("netcheck_run_planned", "Records that the run should have.");
    planned.sample(&profile, run.planned);
    let mut written = Metric::new("netcheck_run_written", "Records that there are.");
    written.sample(&profile, run.written);
    let mut complete =
        Metric::new("netcheck_run_complete", "Whether the records are those of one whole run.");
    complete.sample(&profile, u8::from(run.problems.is_empty()));
    [when, planned, written, complete]
}

fn of_targets(subject: &Subject) -> Metric {
    let mut metric = Metric::new("netcheck_target_usable", "Whether the target can be used from here.");
    for one in &subject.assessment.observations {
        let labels = [
            ("profile", subject.profile.name.as_str()),
            ("requirement", one.labels.requirement.as_str()),
            ("target", &one.target()),
            ("path", one.labels.path.as_deref().unwrap_or_default()),
        ];
        metric.sample(&labels, u8::from(one.usable()));
    }
    metric
}

/// A label's value (the exposition format's three escapes), made harmless.
fn escaped(value: &str) -> String {
    netcheck_record::escape::line(value, 200).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
