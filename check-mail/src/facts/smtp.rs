//! The facts of a mail gateway.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

/// What became of `MAIL FROM` and `RCPT TO`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RecipientAnswer {
    /// The domain of the recipient.
    pub domain: String,
    /// `accepted`, `deferred` (4xx), `rejected` (5xx), or `unproven`: refused because of this machine, not of the sender.
    pub answer: &'static str,
    /// What the refusal is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<&'static str>,
    /// The code, and the enhanced one where there is one.
    pub status: String,
    /// The first line of the reply.
    pub text: String,
}

/// What a gateway showed.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct SmtpFacts {
    /// The first line of the banner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banner: Option<String>,
    /// The extensions of the EHLO reply.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<String>,
    /// Whether STARTTLS is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starttls: Option<bool>,
    /// The duration of each reply, in microseconds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub answer_us: BTreeMap<&'static str, u64>,
    /// The replies that took long enough to be a tarpit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slow: Vec<String>,
    /// What became of the envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<RecipientAnswer>,
    /// Whether the gateway refused this machine, which says nothing of the platform.
    #[serde(skip)]
    pub refused_this_machine: bool,
    /// What the conversation proved.
    pub proven: Vec<&'static str>,
    /// What it cannot prove.
    pub not_proven: Vec<&'static str>,
}
