//! A row of a profile: what to permit, how it is probed, who needs it.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// A row of a profile.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// Its name in records, tables and reports.
    pub(crate) name: String,
    /// What the platform does with it, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) function: String,
    /// What a person notices when it does not work, as the end of a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) without: String,
    /// What it is called in the platform's own documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<String>,
    /// Who needs it: `all`, or a role of the platform's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) role: String,
    /// Whether it counts. Advisory rows are shown and never counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) required: Option<bool>,
    /// Who says that it is needed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) source: String,
    /// The protocols that must work, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) must_work: String,
    /// What it means when only the fallback works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fallback: Option<String>,
    /// What a reader of a report should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    /// Leaves the row of the extended profile out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) off: bool,
    /// Drops the probes of the extended profile's row instead of adding to them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) replace: bool,
    /// What an administrator has to permit.
    #[serde(default, rename = "permit", skip_serializing_if = "Vec::is_empty")]
    pub(crate) permits: Vec<Permit>,
    /// How it is proven.
    #[serde(default, rename = "probe", skip_serializing_if = "Vec::is_empty")]
    pub(crate) probes: Vec<Probe>,
}

/// Destinations and ports, as an administrator permits them.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Permit {
    /// Names, wildcards (`*.example.com`), braces, or address blocks.
    pub(crate) to: Vec<String>,
    /// Sources, where the connection comes from outside: inbound mail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) from: Vec<String>,
    /// TCP ports: `443`, `"80,443"`, `"10000-10050"`.
    #[serde(default, deserialize_with = "port_text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<PortText>")]
    pub(crate) tcp: Option<String>,
    /// UDP ports.
    #[serde(default, deserialize_with = "port_text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<PortText>")]
    pub(crate) udp: Option<String>,
    /// The region, where only one needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    /// What an administrator should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

/// Ports as people write them: one as a number, several as text.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum PortText {
    /// One port.
    Number(u16),
    /// `80,443` or `10000-10050`.
    Text(String),
}

fn port_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let wrong = |_| serde::de::Error::custom("write 443, \"80,443\" or \"10000-10050\"");
    Ok(Some(match PortText::deserialize(from).map_err(wrong)? {
        PortText::Number(port) => port.to_string(),
        PortText::Text(text) => text,
    }))
}

/// How a target counts in its row.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Way {
    /// It has to work.
    #[default]
    All,
    /// One of the row's targets of this kind has to work.
    Any,
    /// It stands in for those that have to work.
    Fallback,
}

/// Targets that prove a row.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Probe {
    /// In the notation of the tools: ranges, lists and braces are expanded by them.
    pub(crate) target: String,
    /// The region it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    /// Whether it counts; the row's own answer where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) required: Option<bool>,
    /// Whether host and path are known to exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) confirmed: Option<bool>,
    /// Whether silence means anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_to_answer: Option<bool>,
    /// How it counts.
    #[serde(default)]
    pub(crate) way: Way,
    /// What a reader of a report should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    /// Further labels, which come back in the records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) labels: Option<Map<String, Value>>,
}

impl Permit {
    /// `17.0.0.0/8 TCP 443, 2197, 5223`.
    pub(crate) fn text(&self) -> String {
        let mut text = self.to.join(", ");
        for (transport, ports) in [("TCP", &self.tcp), ("UDP", &self.udp)] {
            if let Some(ports) = ports {
                text.push_str(&format!(" {transport} {}", ports.replace(',', ", ")));
            }
        }
        text
    }
}

impl Row {
    /// Whether it counts.
    pub(crate) fn required(&self) -> bool {
        self.required.unwrap_or(true)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
}
