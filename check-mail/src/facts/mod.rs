//! What check-mail learns of a target: the `facts` of a record.

mod identity;
mod message;
mod smtp;

use schemars::JsonSchema;
use serde::Serialize;

pub use identity::IdentityFacts;
pub use message::{Judgement, MessageFacts, Verification};
pub use smtp::{RecipientAnswer, SmtpFacts};

/// The facts of one target; one of them, by its scheme.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Facts {
    /// `sender://`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<IdentityFacts>,
    /// `smtp://`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp: Option<SmtpFacts>,
    /// `--message`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageFacts>,
}
