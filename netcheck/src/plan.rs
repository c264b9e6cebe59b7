//! The plan: every target of a profile with its labels, for whichever tool takes it.

use serde_json::{Map, Value, json};

use crate::profile::Profile;
use crate::profile::row::{Probe, Row, Way};
use crate::target::Share;

/// The row that controls are labelled with. They are never counted.
pub(crate) const CONTROLS: &str = "controls";

/// One line of a plan. A range stays one line: the tools expand.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The tool that takes it.
    pub(crate) tool: &'static str,
    /// How many records come back.
    pub(crate) count: u64,
    /// The row it belongs to.
    pub(crate) row: String,
    /// Whether its row's verdict hangs on it.
    pub(crate) counted: bool,
    /// The target, as the profile has it.
    pub(crate) target: String,
    labels: Map<String, Value>,
}

impl Line {
    /// As it stands on a tool's standard input.
    pub(crate) fn json(&self) -> String {
        json!({ "target": self.target, "labels": self.labels }).to_string()
    }

    /// One target of it, as a tool reads it, with more labels.
    pub(crate) fn json_of(&self, target: &str, more: &[(&str, Value)]) -> String {
        let mut labels = self.labels.clone();
        labels.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        json!({ "target": target, "labels": labels }).to_string()
    }

    /// Whether it matters only where another one does not work.
    pub(crate) fn is_fallback(&self) -> bool {
        self.labels.get("way").and_then(Value::as_str) == Some("fallback")
    }

    /// The same with one more label.
    #[must_use]
    pub(crate) fn labelled(mut self, label: &str, value: &str) -> Line {
        self.labels.insert(label.to_owned(), value.into());
        self
    }
}

/// Every line of the profile, in the profile's order, controls last.
///
/// # Errors
/// A target that is not one; a wide block without a sample.
pub(crate) fn lines(profile: &Profile, sample: Option<u64>) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (row, probe) in profile.probes() {
        let required = row.required() && probe.required.unwrap_or(true);
        let labels = labels(row, probe, required);
        let counted = required || !row.required();
        lines.push(line(&row.name, &probe.target, labels, counted, sample)?);
    }
    for control in &profile.controls {
        let labels = json!({ "row": CONTROLS, "role": "all", "region": "all", "required": false, "control": true,
            "function": "control" });
        let labels = labels.as_object().cloned().unwrap_or_default();
        lines.push(line(CONTROLS, &control.target, labels, false, sample)?);
    }
    Ok(lines)
}

fn line(
    row: &str,
    target: &str,
    labels: Map<String, Value>,
    counted: bool,
    sample: Option<u64>,
) -> Result<Line, String> {
    let Share { tool, count } = Share::of(target, sample).map_err(|why| format!("{target}: {why}"))?;
    Ok(Line { tool, count, row: row.to_owned(), counted, target: target.to_owned(), labels })
}

fn labels(row: &Row, probe: &Probe, required: bool) -> Map<String, Value> {
    let mut labels = Map::new();
    let mut label = |key: &str, value: Value| labels.insert(key.to_owned(), value);
    label("row", row.name.clone().into());
    if let Some(service) = &row.service {
        label("service", service.clone().into());
    }
    label("role", row.role.clone().into());
    label("region", probe.region.clone().unwrap_or_else(|| "all".into()).into());
    label("required", required.into());
    label("function", row.function.clone().into());
    if let Some(known) = probe.known_to_answer {
        label("known_to_answer", known.into());
    }
    if let Some(confirmed) = probe.confirmed {
        label("confirmed", confirmed.into());
    }
    match probe.way {
        Way::All => None,
        Way::Any => label("way", "any".into()),
        Way::Fallback => label("way", "fallback".into()),
    };
    labels.extend(probe.labels.clone().unwrap_or_default());
    labels
}
