//! DMARC: what a domain asks receivers to do with mail that is not its own (RFC 7489).

use mail_auth::common::parse::TxtRecordParser;
use mail_auth::dmarc::{self, Dmarc};
use netcheck_common::failure::Failure;
use serde::Serialize;

use crate::names::Names;

/// How many names are asked for, from the domain upwards.
const MOST_STEPS: usize = 5;

/// What is asked for.
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Wish {
    /// There is no record.
    Absent,
    /// The record cannot be read.
    Malformed,
    /// Nothing.
    None,
    /// Put it aside.
    Quarantine,
    /// Turn it away.
    Reject,
}

/// The policy of a domain.
#[derive(Clone, Debug, Serialize)]
pub struct Policy {
    /// What it asks for.
    pub policy: Wish,
    /// Whose record it is, where it is not the domain's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl Policy {
    /// Looks for the record of the domain, then of the domains above it.
    ///
    /// # Errors
    /// The `dns.*` codes: the DNS could not be asked.
    pub async fn of(domain: &str, names: &Names) -> Result<Policy, Failure> {
        let above = std::iter::successors(Some(domain), |name| Some(name.split_once('.')?.1));
        for name in above.filter(|name| name.contains('.')).take(MOST_STEPS) {
            let texts = names.texts(&format!("_dmarc.{name}")).await?.records();
            let own = name == domain;
            if let Some(text) = texts.iter().find(|text| text.starts_with(b"v=DMARC1")) {
                return Ok(Policy { policy: wish(text, own), from: (!own).then(|| name.to_owned()) });
            }
        }
        Ok(Policy { policy: Wish::Absent, from: None })
    }

    /// Whether mail that is not the domain's own is turned away or put aside.
    #[must_use]
    pub fn enforced(&self) -> bool {
        matches!(self.policy, Wish::Quarantine | Wish::Reject)
    }
}

fn wish(text: &[u8], own: bool) -> Wish {
    let Ok(record) = Dmarc::parse(text) else { return Wish::Malformed };
    let policy = match record.sp {
        dmarc::Policy::Unspecified => record.p,
        below if !own => below,
        _ => record.p,
    };
    match policy {
        dmarc::Policy::Reject => Wish::Reject,
        dmarc::Policy::Quarantine => Wish::Quarantine,
        dmarc::Policy::None | dmarc::Policy::Unspecified => Wish::None,
    }
}
