//! The report as `netcheck report --format json` prints it (docs/report.schema.json).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::findings::Finding;
use super::request::Request;
use super::requirements::Requirement;
use super::status::Status;
use crate::records::ProfileId;

/// What a run means.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Report {
    /// The version of this format.
    pub(crate) v: u8,
    /// Which run, and whether it is whole.
    pub(crate) run: RunSummary,
    /// Whether the event can run from here, by role, and the one or two causes why not.
    pub(crate) headline: String,
    /// The worst status of the required requirements of each role.
    pub(crate) roles: BTreeMap<String, Status>,
    /// What the platform needs, required first, the worst first.
    pub(crate) requirements: Vec<Requirement>,
    /// What was found.
    pub(crate) findings: Vec<Finding>,
    /// What to ask of whom.
    pub(crate) requests: Vec<Request>,
    /// Earlier rounds of `check --watch`, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) timeline: Vec<Round>,
}

/// Which run, and whether it is whole.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct RunSummary {
    /// What its records carry; absent where the input has no run lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// What was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<ProfileId>,
    /// How many records the run should have.
    pub(crate) planned: u64,
    /// How many records there are.
    pub(crate) written: u64,
    /// Whether a signal ended it early.
    pub(crate) interrupted: bool,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finished: Option<String>,
    /// The machine's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    /// Program and version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool: Option<String>,
    /// Why this report is not whole, in sentences; a report with problems is never green.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) problems: Vec<String>,
    /// What a reader should know, in sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
    /// What this run does not look for, and which command does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    /// When the newest record was made, in seconds since 1970; 0 where that is not known.
    #[serde(skip)]
    pub(crate) newest: u64,
}

/// One earlier round of a series.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Round {
    /// When it began.
    pub(crate) started: String,
    /// The worst status of its required requirements.
    pub(crate) status: Status,
    /// The requirements that did not work.
    pub(crate) not_working: Vec<String>,
}

impl Report {
    /// As JSON, for programs.
    pub(crate) fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The JSON Schema, as docs/report.schema.json has it.
    pub(crate) fn schema() -> String {
        // What is left out when it is empty is not required.
        let settings = schemars::generate::SchemaSettings::default().for_serialize();
        let schema = settings.into_generator().into_root_schema_for::<Report>();
        let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The finding of that name.
    pub(crate) fn finding(&self, id: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.id == id)
    }
}
