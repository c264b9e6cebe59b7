//! The facts of a received message. Its content never reaches a record.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::message::Analysis;
use crate::message::arrival::FilterMark;
use crate::message::hostname::organisation;
use crate::message::route::{Route, Skew, Step, Wait};

/// What became of a signature.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// It is valid.
    Valid,
    /// The body is not what was signed.
    BodyChanged,
    /// The body is what was signed, the header is not (or the key is another).
    HeaderChanged,
    /// The key is not in the DNS.
    KeyMissing,
    /// The key in the DNS cannot be used.
    KeyUnusable,
    /// Its time is over.
    Expired,
    /// It is not a signature that can be verified.
    Malformed,
    /// It could not be verified here.
    Unknown,
}

/// One signature.
#[derive(Clone, Debug, Serialize, JsonSchema, PartialEq, Eq)]
pub struct Verification {
    /// The domain that signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The name of its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// What became of it.
    pub result: Judgement,
    /// Why it cannot be verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How much of the body it covers, where it says so (`l=`): anything may be added after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_bytes: Option<u64>,
    /// Until when it is valid, in seconds since 1970.
    #[serde(skip)]
    pub expires: u64,
}

impl Verification {
    /// Whether it is a signature of the author's organisation (RFC 7489 section 3.1.1, relaxed).
    #[must_use]
    pub fn aligned(&self, author: &str) -> bool {
        let Some(domain) = self.domain.as_deref() else { return false };
        domain == author || organisation(domain).is_some_and(|name| organisation(author) == Some(name))
    }
}

/// What a message shows.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct MessageFacts {
    /// Its length.
    pub bytes: usize,
    /// Why the file is not one whole message as received.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<String>,
    /// The domain of its author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// `Received` fields.
    pub hops: usize,
    /// Those without a time that can be read.
    #[serde(skip_serializing_if = "is_zero")]
    pub undated: usize,
    /// Seconds from the first hop to the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_s: Option<i64>,
    /// Why that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_unknown: Option<String>,
    /// Seconds from the `Date` field to the first hop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_first_hop_s: Option<i64>,
    /// The longest wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slowest: Option<Wait>,
    /// The hops, oldest first.
    pub route: Vec<Step>,
    /// Clocks that the others contradict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clock_skew: Vec<Skew>,
    /// The host and address the receiving side took the message from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handed_over_by: Option<String>,
    /// `DKIM-Signature` fields.
    pub signatures: usize,
    /// What became of the signatures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dkim: Vec<Verification>,
    /// What the receiving side wrote into `Authentication-Results`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub authentication: BTreeMap<&'static str, String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticated_by: Option<String>,
    /// Links of the text.
    pub links: usize,
    /// Links that lead through a scanner, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub links_rewritten: BTreeMap<&'static str, usize>,
    /// Mail gateways known by their fields and hosts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<&'static str>,
    /// Whether a banner warns of mail from outside.
    pub banner: bool,
    /// Seconds of greylisting that a gateway tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greylisted_s: Option<u32>,
    /// Marks of the receiving side's spam filters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub junk: Vec<FilterMark>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl MessageFacts {
    /// The facts of an analysis, without the signatures' results.
    #[must_use]
    pub fn of(analysis: &Analysis<'_>, bytes: usize, signatures: usize) -> MessageFacts {
        let Route { hops, undated, total, unknown, slowest, skewed, steps, before_first_hop, .. } =
            analysis.route.clone();
        let results = analysis.results.first().cloned().unwrap_or_default();
        MessageFacts {
            bytes,
            from: analysis.author.clone(),
            hops,
            undated,
            total_s: total,
            delay_unknown: unknown,
            before_first_hop_s: before_first_hop,
            slowest,
            route: steps,
            clock_skew: skewed,
            handed_over_by: analysis.handed_over_by(),
            signatures,
            authentication: results.methods,
            authenticated_by: results.by,
            links: analysis.links.total,
            links_rewritten: analysis.links.rewritten.clone(),
            gateways: analysis.gateways.clone(),
            banner: analysis.banner,
            greylisted_s: analysis.greylisted,
            junk: analysis.junk.clone(),
            ..MessageFacts::default()
        }
    }
}
