//! What is wrong with a message on its way here, and who has to change it.

mod delay;
mod file;
mod filter;
mod handover;
mod signature;

use std::net::IpAddr;

use netcheck_common::cause::Cause;
use netcheck_common::failure::{Code, Failure};

use crate::facts::Verification;
use crate::message::Analysis;
use crate::message::defects::Defect;
use crate::platform;

pub use delay::is_too_late;

/// A thing observed, and what it is put down to.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageFinding {
    /// What was observed.
    pub failure: Failure,
    /// Why, and what to change.
    pub cause: Cause,
}

/// What the findings are made of.
pub struct Evidence<'a> {
    /// The message.
    pub analysis: &'a Analysis<'a>,
    /// Its signatures.
    pub signatures: &'a [Verification],
    /// What is wrong with the file.
    pub defects: &'a [Defect],
    /// The addresses the sender publishes.
    pub published: &'a [IpAddr],
    /// The delay that is worth a finding, in seconds.
    pub max_delay: i64,
}

impl Evidence<'_> {
    /// Everything that is wrong, the most important first.
    #[must_use]
    pub fn findings(&self) -> Vec<MessageFinding> {
        let mut found = Vec::new();
        found.extend(delay::find(self));
        if let Some(incomplete) = file::find(self) {
            let late = is_too_late(&self.analysis.route);
            found.insert(if late { found.len() } else { 0 }, incomplete);
        }
        found.extend(filter::find(self));
        let signature =
            if self.defects.iter().any(Defect::hides_body) { None } else { signature::find(self) };
        let (changed, invalid) = match signature {
            Some(finding) if finding.failure.code == Code::MailBodyChanged => (Some(finding), None),
            other => (None, other),
        };
        found.extend(changed);
        found.extend(handover::find(self));
        found.extend(delay::find_before_first_hop(self));
        found.extend(delay::find_unknown(self));
        found.extend(invalid);
        found
    }

    /// The mail in question, as a rule on a gateway names it.
    #[must_use]
    pub fn mail_in_question(&self) -> String {
        match self.analysis.author.as_deref() {
            Some(platform::DOMAIN) | None => format!("mail from {} ({})", platform::HOST, platform::ADDRESS),
            Some(author) => match self.published.first() {
                Some(address) => format!("mail from {author} ({address})"),
                None => format!("mail from {author}"),
            },
        }
    }

    /// A mail gateway of the receiving side that is known by name.
    #[must_use]
    pub fn gateway(&self) -> Option<&'static str> {
        let links = self.analysis.links.rewritten.keys().next();
        links.or_else(|| self.analysis.gateways.first()).copied()
    }

    /// The same as the subject of a sentence.
    #[must_use]
    pub fn gateway_text(&self) -> String {
        self.gateway().map_or("the mail gateway".to_owned(), |vendor| format!("the mail gateway ({vendor})"))
    }

    /// Whether the receiving side found a signature valid.
    #[must_use]
    pub fn verified_on_arrival(&self) -> bool {
        self.analysis.results.iter().any(|results| results.passed("dkim"))
    }
}
