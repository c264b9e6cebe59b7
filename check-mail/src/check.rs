//! The flags of check-mail, and which of its three questions a target asks.

use std::path::PathBuf;

use clap::Args;
use netcheck_common::cause::{Cause, Reason, Who};
use netcheck_common::check::Check;
use netcheck_common::diagnose::{Diagnosis, Finding};
use netcheck_common::record::Verdict;
use netcheck_common::target::{Host, Target};
use netcheck_common::trace::{Observed, Stopped, Trace};
use serde::Serialize;

use crate::address::{self, Sender};
use crate::gateway::{self, Question};
use crate::letter::{self, Letter};
use crate::platform;
use crate::sender::{self, Identity};

/// Checks the mail path: an SMTP gateway, a sender's identity in the DNS, a received message.
#[derive(Args, Clone, Debug)]
pub struct Mail {
    /// Address that sends (for sender://; spotme.com: 198.2.132.142), or envelope sender (for smtp://); repeatable
    #[arg(long, value_name = "ADDR|MAILBOX", value_parser = address::sender)]
    sender: Vec<Sender>,
    /// DKIM selector (repeatable)
    #[arg(long, value_name = "NAME", default_value = platform::SELECTOR, value_parser = address::name)]
    selector: Vec<String>,
    /// Mail host of the domain [default: mail.DOMAIN]
    #[arg(long, value_name = "NAME", value_parser = address::name)]
    mail_host: Option<String>,
    /// Name given in EHLO [default: this machine's, if it has a full one]
    #[arg(long, value_name = "NAME", value_parser = address::helo)]
    helo: Option<String>,
    /// Mailbox to ask the gateway for; no message is sent
    #[arg(long, value_name = "MAILBOX", value_parser = address::mailbox)]
    recipient: Option<String>,
    /// Received message: a file, a folder of files, or - for standard input (repeatable)
    #[arg(long, value_name = "FILE|DIR|-")]
    message: Vec<PathBuf>,
    /// Delay of a message that is worth a complaint; 1800 s and more make its log-in link useless
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = clap::value_parser!(u32))]
    max_delay: u32,
    #[arg(skip)]
    letters: Vec<Letter>,
}

/// What check-mail learns.
#[derive(Debug, Default, Serialize)]
pub struct Facts {
    /// Of a sender's identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<sender::Facts>,
    /// Of a gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp: Option<gateway::Facts>,
    /// Of a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<letter::Facts>,
}

impl Check for Mail {
    const NAME: &'static str = "mail";
    const TOOL: &'static str = "check-mail";
    const EXAMPLES: &'static str = "\
  check-mail sender://spotme.com                    the sender's identity, as a gateway here sees it
  check-mail --recipient me@example.com smtp://mx.example.com
  check-mail --message login.eml                    how long it took, who held it, who changed it";
    const PROXIED: bool = false;
    type Facts = Facts;

    async fn check(&self, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
        match target.scheme.name {
            "sender" => sender::check(&self.identity(target), trace).await,
            "message" => {
                let letter = self.letters.iter().find(|letter| letter.target == *target);
                letter::check(letter, i64::from(self.max_delay), trace).await
            }
            _ => {
                let helo = self.helo.clone().unwrap_or_else(address::own_name);
                let question =
                    Question { helo: &helo, sender: self.envelope(), recipient: self.recipient.as_deref() };
                gateway::check(target, &question, trace).await
            }
        }
    }

    fn prepare(&mut self) -> Result<(), String> {
        self.letters = letter::find(&self.message)?;
        Ok(())
    }

    fn targets(&self) -> Vec<Target> {
        self.letters.iter().map(|letter| letter.target.clone()).collect()
    }

    /// A check that stops says first what it thinks of the failure; here that becomes the finding.
    async fn explain(
        &self,
        target: &Target,
        facts: &Facts,
        observed: &Observed,
        _: &Diagnosis,
    ) -> Option<Finding> {
        let failure = observed.failure.as_ref()?;
        if target.scheme.name == "message" && failure.code.layer() == "dns" {
            let fix = "Run the check where names can be resolved: the signature's key stands in the DNS.";
            let cause = Cause::new(Reason::Unknown, Who::Dns, fix).seen(failure.detail.clone());
            return Some(Finding { verdict: Some(Verdict::Inconclusive), cause });
        }
        let said = observed.degraded.iter().rev().find(|(said, _)| said.code == failure.code);
        let cause = said.and_then(|(_, cause)| cause.clone())?;
        let verdict = gateway::unproven(facts).then_some(Verdict::Inconclusive);
        Some(Finding { verdict, cause })
    }
}

impl Mail {
    fn identity(&self, target: &Target) -> Identity {
        let domain = match &target.host {
            Host::Name(name) => name.clone(),
            Host::Address(address) => address.to_string(),
        };
        let given = self.sender.iter().find_map(|sender| match sender {
            Sender::Address(address) => Some(*address),
            Sender::Mailbox(_) => None,
        });
        let published = given.or((domain == platform::DOMAIN).then_some(platform::ADDRESS));
        let host = self.mail_host.clone().unwrap_or_else(|| format!("mail.{domain}"));
        Identity { domain, published, host, selectors: self.selector.clone() }
    }

    fn envelope(&self) -> &str {
        let given = self.sender.iter().find_map(|sender| match sender {
            Sender::Mailbox(mailbox) => Some(mailbox.as_str()),
            Sender::Address(_) => None,
        });
        given.unwrap_or(platform::ENVELOPE)
    }
}
