//! What the findings about a message are made of, and the words they share.

use std::net::IpAddr;

use netcheck_common::cause::Cause;
use netcheck_common::failure::Failure;

use crate::facts::Verification;
use crate::message::Analysis;
use crate::message::defects::Defect;
use crate::message::vendor;
use crate::platform;

/// Spam filters that run inside a gateway.
const FILTERS: [&str; 2] = ["SpamAssassin", "Rspamd"];

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
        let links = self.analysis.links.rewritten.keys().next().copied();
        links.or_else(|| self.gateways().next())
    }

    /// The gateways of the receiving side; a filter inside one neither holds nor changes messages.
    fn gateways(&self) -> impl Iterator<Item = &'static str> {
        self.analysis.gateways.iter().copied().filter(|name| !FILTERS.contains(name))
    }

    /// Whose product a host of the receiving side is: by its name, else by the fields of the only gateway there is.
    #[must_use]
    pub fn vendor_of(&self, host: &str) -> Option<&'static str> {
        let mut gateways = self.gateways();
        let only = gateways.next().filter(|_| gateways.next().is_none());
        vendor::of_host(host).or(only)
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
