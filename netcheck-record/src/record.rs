//! The record: one JSON object a target, the only thing a check prints.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemars::transform::Transform as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::cause::Cause;
use crate::facts::{self, CheckFacts, Strict};
use crate::failure::Failure;
use crate::labels::Labels;

/// The version of the record's format.
pub const VERSION: u8 = 1;

/// Whether the target can be used from here.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Proven usable, as deep as the check goes.
    Pass,
    /// Permitted or usable, but an administrator should know.
    Degraded,
    /// Could not be found out.
    Inconclusive,
    /// Not usable from here.
    Fail,
}

impl Verdict {
    /// The word in a record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Degraded => "degraded",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Fail => "fail",
        }
    }
}

/// One step of a check.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct Stage {
    /// Its name: `dns`, `proxy`, `tcp`, `tls`, `http`, …
    pub stage: String,
    /// Whether it was passed.
    pub ok: bool,
    /// How long it took, in microseconds: its own duration.
    pub us: u64,
}

/// The way the packets took.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct Path {
    /// `direct` or `proxy`.
    pub via: String,
    /// The proxy, without credentials.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub proxy: Option<String>,
    /// The address and port that was connected to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
    /// Our own address and port: what a firewall's log shows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub local: Option<String>,
    /// The interface the packets left through.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub interface: Option<String>,
    /// Whether that interface is a tunnel (VPN).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tunnel: Option<bool>,
}

/// What is known of one target after its check.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq)]
pub struct Record {
    /// The version of this format.
    pub v: u8,
    /// When the check began (RFC 3339, UTC, milliseconds).
    pub ts: String,
    /// The check: `tcp`, `wss`, `rtmps`, `udp`, `push`, `mail`.
    pub check: String,
    /// The target in canonical form: `scheme://host:port[/path][?query]`.
    pub target: String,
    /// Whether it can be used from here.
    pub verdict: Verdict,
    /// The steps taken, in order.
    pub stages: Vec<Stage>,
    /// What was observed to be wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<Failure>,
    /// What was inferred from it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<Cause>,
    /// The way the packets took.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<Path>,
    /// What was learned on the path: the common facts, and those of the check.
    #[serde(default)]
    pub facts: Map<String, Value>,
    /// The labels that came with the target, unchanged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub labels: Option<Labels>,
}

impl Record {
    /// Whether the exit code depends on it: every target does unless its labels say `"required": false`.
    #[must_use]
    pub fn required(&self) -> bool {
        self.labels.as_ref().and_then(|labels| labels.flag("required")) != Some(false)
    }

    /// The JSON Schema of a record with the facts of these checks, as docs/record.schema.json holds it.
    #[must_use]
    pub fn schema(checks: &[CheckFacts]) -> String {
        let settings = SchemaSettings::draft2020_12().for_serialize();
        let mut generator = settings.into_generator();
        let mut schema = generator.root_schema_for::<Record>();
        let conditions = facts::conditions(checks, &mut generator);
        schema.insert("$defs".into(), generator.take_definitions(true).into());
        Strict.transform(&mut schema);
        schema.insert("allOf".into(), conditions.into());
        let sorted: BTreeMap<String, Value> =
            schema.as_object().cloned().unwrap_or_default().into_iter().collect();
        let mut text = serde_json::to_string_pretty(&sorted).unwrap_or_default();
        text.push('\n');
        text
    }
}
