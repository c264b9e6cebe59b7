//! The facts of a sending identity.

use netcheck_common::failure::Code;
use schemars::JsonSchema;
use serde::Serialize;

use crate::dkim_key::DkimKey;
use crate::dmarc::DmarcPolicy;
use crate::mail_host::MailHost;
use crate::spf::SpfFacts;

/// What the DNS says of an identity.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct IdentityFacts {
    /// SPF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spf: Option<SpfFacts>,
    /// DKIM keys, one for each selector.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dkim: Vec<DkimKey>,
    /// The DMARC policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dmarc: Option<DmarcPolicy>,
    /// The mail host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<MailHost>,
    /// Questions that drew no answer: what they would have shown is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<String>,
    /// Problems that the resolver of `--reference-resolver` does not see.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_order_elsewhere: Vec<Code>,
}
