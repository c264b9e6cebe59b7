//! Prometheus text for the textfile collector: base units, names that begin with `netcheck_`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use netcheck_record::clock;

use super::Subject;
use crate::standing::{self, State};
use crate::survey::row_of;

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
            let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
            let _ = writeln!(text, "{}{labels} {value}", self.name);
        }
    }
}

/// The metrics.
pub(super) fn text(subject: &Subject) -> String {
    let mut text = String::new();
    for metric in rows(subject).iter().chain(&targets(subject)) {
        metric.write(&mut text);
    }
    let mut when =
        Metric::new("netcheck_report_timestamp_seconds", "When this report was made, in seconds since 1970.");
    when.sample(&[], clock::unix());
    when.write(&mut text);
    text
}

fn rows(subject: &Subject) -> [Metric; 4] {
    let mut usable =
        Metric::new("netcheck_row_usable", "Whether the row works from here (pass or degraded).");
    let mut state = Metric::new("netcheck_row_state", "1 for the row's verdict, 0 for the others.");
    let mut all = Metric::new("netcheck_row_targets", "Counted targets of the row.");
    let mut good = Metric::new("netcheck_row_targets_usable", "Counted targets of the row that work.");
    for row in &subject.survey.standings {
        let required = row.required.to_string();
        let labels =
            [("row", row.name.as_str()), ("role", row.role.as_str()), ("required", required.as_str())];
        usable.sample(&labels, u8::from(row.state <= State::Degraded));
        all.sample(&labels, row.total);
        good.sample(&labels, row.good);
        for each in [State::Pass, State::Degraded, State::NotChecked, State::Inconclusive, State::Fail] {
            let name = each.as_str().replace(' ', "_");
            state.sample(&[labels[0], ("state", &name)], u8::from(row.state == each));
        }
    }
    [usable, state, all, good]
}

fn targets(subject: &Subject) -> [Metric; 3] {
    let mut usable =
        Metric::new("netcheck_target_usable", "Whether the target works from here (pass or degraded).");
    let mut cause = Metric::new("netcheck_target_cause", "1 for the cause of a target that does not pass.");
    let mut stage = Metric::new("netcheck_target_stage_duration_seconds", "How long a stage took.");
    for record in subject.records {
        let labels = [("row", row_of(record)), ("target", record.target.as_str())];
        usable.sample(&labels, u8::from(standing::usable(record)));
        if record.verdict != netcheck_record::record::Verdict::Pass {
            cause.sample(&[labels[0], labels[1], ("cause", standing::fate(record))], 1);
        }
        let mut names = BTreeSet::new();
        for each in record.stages.iter().filter(|each| names.insert(each.stage.as_str())) {
            #[expect(clippy::cast_precision_loss, reason = "microseconds below 2^53: 285 years")]
            let seconds = each.us as f64 / 1e6;
            stage.sample(&[labels[0], labels[1], ("stage", &each.stage)], seconds);
        }
    }
    [usable, cause, stage]
}

fn escaped(text: &str) -> String {
    netcheck_record::escape::line(text, 500).replace('\\', "\\\\").replace('"', "\\\"")
}
