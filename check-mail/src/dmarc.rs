//! DMARC: what a domain asks receivers to do with mail that fails authentication (RFC 7489).

use mail_auth::common::parse::TxtRecordParser;
use mail_auth::dmarc::{self, Dmarc};
use netcheck_common::failure::Failure;
use schemars::JsonSchema;
use serde::Serialize;

use crate::names::Names;

/// Names that are asked for, from the domain upwards.
const MOST_STEPS: usize = 5;

/// What the record asks receivers to do.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum DmarcRequest {
    /// There is no record.
    Absent,
    /// The record cannot be read.
    Malformed,
    /// Nothing.
    None,
    /// Put the message aside.
    Quarantine,
    /// Refuse the message.
    Reject,
}

/// The policy of a domain.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DmarcPolicy {
    /// What it asks for.
    pub policy: DmarcRequest,
    /// The domain that publishes the record, where it is a parent domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl DmarcPolicy {
    /// Looks up the record of the domain, then of its parent domains.
    ///
    /// # Errors
    /// The `dns.*` codes: the DNS could not be asked.
    pub async fn look_up(domain: &str, names: &Names) -> Result<DmarcPolicy, Failure> {
        let above = std::iter::successors(Some(domain), |name| Some(name.split_once('.')?.1));
        for name in above.filter(|name| name.contains('.')).take(MOST_STEPS) {
            let texts = names.texts(&format!("_dmarc.{name}")).await?.records();
            let own = name == domain;
            if let Some(text) = texts.iter().find(|text| text.starts_with(b"v=DMARC1")) {
                return Ok(DmarcPolicy {
                    policy: requested(text, own),
                    from: (!own).then(|| name.to_owned()),
                });
            }
        }
        Ok(DmarcPolicy { policy: DmarcRequest::Absent, from: None })
    }

    /// Whether receivers are asked to refuse or put aside mail that fails.
    #[must_use]
    pub fn enforced(&self) -> bool {
        matches!(self.policy, DmarcRequest::Quarantine | DmarcRequest::Reject)
    }
}

fn requested(text: &[u8], own: bool) -> DmarcRequest {
    let Ok(record) = Dmarc::parse(text) else { return DmarcRequest::Malformed };
    let policy = match record.sp {
        dmarc::Policy::Unspecified => record.p,
        below if !own => below,
        _ => record.p,
    };
    match policy {
        dmarc::Policy::Reject => DmarcRequest::Reject,
        dmarc::Policy::Quarantine => DmarcRequest::Quarantine,
        dmarc::Policy::None | dmarc::Policy::Unspecified => DmarcRequest::None,
    }
}
