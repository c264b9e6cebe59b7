//! One line of records as JSON has it: only the fields that the assessment reads, borrowed from the line.

use std::borrow::Cow;
use std::net::IpAddr;

use netcheck_record::cause::{Confidence, Reason, Who};
use netcheck_record::failure::Code;
use netcheck_record::record::Verdict;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A record or a run line.
#[derive(Debug, Deserialize)]
pub(super) struct RecordLine<'a> {
    pub(super) v: u8,
    #[serde(borrow, default)]
    pub(super) run: Option<&'a RawValue>,
    /// What changed, in the file of a rehearsal.
    #[serde(borrow, default)]
    pub(super) change: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) ts: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) target: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) verdict: Option<Verdict>,
    #[serde(borrow, default)]
    pub(super) stages: Vec<StageLine<'a>>,
    #[serde(borrow, default)]
    pub(super) failure: Option<FailureLine<'a>>,
    #[serde(borrow, default)]
    pub(super) cause: Option<CauseLine<'a>>,
    #[serde(borrow, default)]
    pub(super) path: Option<PathLine<'a>>,
    #[serde(borrow, default)]
    pub(super) facts: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) labels: Option<&'a RawValue>,
}

/// One stage.
#[derive(Debug, Deserialize)]
pub(super) struct StageLine<'a> {
    #[serde(borrow)]
    pub(super) stage: Cow<'a, str>,
    pub(super) ok: bool,
    pub(super) us: u64,
}

/// What was observed.
#[derive(Debug, Deserialize)]
pub(super) struct FailureLine<'a> {
    pub(super) code: Code,
    #[serde(borrow, default)]
    pub(super) detail: Cow<'a, str>,
}

/// What was inferred.
#[derive(Debug, Deserialize)]
pub(super) struct CauseLine<'a> {
    pub(super) code: Reason,
    pub(super) who: Who,
    pub(super) confidence: Confidence,
    #[serde(default)]
    pub(super) near: Option<IpAddr>,
    #[serde(default)]
    pub(super) evidence: Vec<String>,
    #[serde(borrow, default)]
    pub(super) fix: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) action: Option<&'a RawValue>,
}

/// The way of the packets.
#[derive(Debug, Deserialize)]
pub(super) struct PathLine<'a> {
    #[serde(borrow, default)]
    pub(super) via: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) proxy: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) address: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) local: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) interface: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) tunnel: Option<bool>,
}

/// A text of the facts at a path of keys, whatever else they hold.
pub(super) fn fact(facts: &Value, path: &[&str]) -> Option<String> {
    let mut at = facts;
    for key in path {
        at = at.get(key)?;
    }
    at.as_str().map(|text| netcheck_record::escape::line(text, 300))
}

/// The address that a STUN server saw, without its port.
pub(super) fn mapped_address(facts: &RawValue) -> Option<String> {
    let facts: Value = serde_json::from_str(facts.get()).ok()?;
    let text = fact(&facts, &["stun", "mapped"]).or_else(|| fact(&facts, &["stun", "address"]))?;
    let address = text.parse::<std::net::SocketAddr>().map(|socket| socket.ip()).or_else(|_| text.parse());
    address.ok().map(|ip: IpAddr| ip.to_string())
}
