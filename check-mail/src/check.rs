//! The flags of check-mail, and which of its three questions a target asks.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use netcheck_common::cause::{Cause, Reason, Who};
use netcheck_common::check::Check;
use netcheck_common::diagnose::{self, Diagnosis, Finding};
use netcheck_common::failure::{Code, Failure};
use netcheck_common::record::Verdict;
use netcheck_common::target::{Host, Target};
use netcheck_common::trace::{Observed, Stopped, Trace};

use crate::address::{self, Sender};
use crate::facts::Facts;
use crate::message::sides::Published;
use crate::message_file::{self, Expectation, MessageFile};
use crate::platform;
use crate::sender::{self, Identity};
use crate::smtp::{self, EnvelopeQuestion};

/// Checks the mail path: an SMTP gateway, a sender's identity in the DNS, a received message.
///
/// Targets: smtp://HOST[:25], sender://DOMAIN, and messages with --message.
/// Ports may be ranges and lists (10000-10050,443), hosts may have braces ({eu,us}), addresses may be blocks (10.0.0.0/24).
#[derive(Args, Clone, Debug)]
pub struct Mail {
    /// Address that sends (sender:// and --message; default for spotme.com: 198.2.132.142), or envelope sender (smtp:// and sender://); repeatable
    #[arg(long, value_name = "ADDR|MAILBOX", value_parser = address::sender)]
    sender: Vec<Sender>,
    /// DKIM selector (repeatable)
    #[arg(long, value_name = "NAME", default_value = platform::SELECTOR, value_parser = address::name)]
    selector: Vec<String>,
    /// Mail host of the sending domain [default: mail.DOMAIN]
    #[arg(long, value_name = "NAME", value_parser = address::name)]
    mail_host: Option<String>,
    /// Name given in EHLO [default: the full name of this machine, if it has one]
    #[arg(long, value_name = "NAME", value_parser = address::helo)]
    helo: Option<String>,
    /// Mailbox for RCPT TO; no message is sent
    #[arg(long, value_name = "MAILBOX", value_parser = address::mailbox)]
    recipient: Option<String>,
    /// Received message: a file, a folder of files, or - for standard input (repeatable)
    #[arg(long, value_name = "FILE|DIR|-")]
    message: Vec<PathBuf>,
    /// Delay of a message that is reported; 1800 s and more make its log-in link useless and always fail
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = clap::value_parser!(u32))]
    max_delay: u32,
    #[arg(skip)]
    messages: Vec<MessageFile>,
}

impl Check for Mail {
    const NAME: &'static str = "mail";
    const TOOL: &'static str = "check-mail";
    const EXAMPLES: &'static [&'static str] = &[
        "check-mail sender://spotme.com",
        "check-mail --recipient me@example.com smtp://mx.example.com",
        "check-mail --message login.eml",
    ];
    const PROXIED: bool = false;
    type Facts = Facts;

    async fn check(&self, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
        match target.scheme.name {
            "sender" => sender::check(&self.identity(target), trace).await,
            "message" => {
                let message = self.messages.iter().find(|message| message.target == *target);
                message_file::check(message, &self.expectation(), trace).await
            }
            _ => {
                let helo = self.helo.clone().unwrap_or_else(address::own_name);
                let recipient = self.recipient.as_deref();
                let question = EnvelopeQuestion { helo: &helo, sender: self.envelope(), recipient };
                smtp::check(target, &question, trace).await
            }
        }
    }

    fn validate(&mut self) -> Result<(), String> {
        self.messages = message_file::find(&self.message)?;
        Ok(())
    }

    fn targets(&self) -> Vec<Target> {
        self.messages.iter().map(|message| message.target.clone()).collect()
    }

    /// The cause that the check gave beside the failure that stopped it, and the verdict that failure means here.
    async fn explain(
        &self,
        target: &Target,
        facts: &Facts,
        observed: &Observed,
        net: &Diagnosis,
    ) -> Option<Finding> {
        let failure = observed.failure.as_ref()?;
        if target.scheme.name == "message" && failure.code.layer() == "dns" {
            return Some(unverified(target, observed, failure, net).await);
        }
        let same = observed.degraded.iter().find(|(given, _)| given == failure);
        let Some(cause) = same.and_then(|(_, cause)| cause.clone()) else {
            return match target.scheme.name {
                "sender" => sender::explain(&domain(target), failure),
                _ => None,
            };
        };
        let undecided = matches!(failure.code, Code::MailIncomplete | Code::MailUndated);
        let verdict = if undecided || smtp::is_unproven(facts) {
            Some(Verdict::Inconclusive)
        } else {
            (failure.code == Code::SmtpDeferred).then_some(Verdict::Degraded)
        };
        Some(Finding { verdict, cause })
    }
}

/// Nothing is wrong with a message, but for a signature whose key could not be asked for.
async fn unverified(target: &Target, observed: &Observed, failure: &Failure, net: &Diagnosis) -> Finding {
    // The way to TCP 53 has rules of its own (see Names::truncated).
    if failure.underlying.is_some()
        && let Some(found) = Box::pin(diagnose::explain(target, observed, net)).await
    {
        return Finding { verdict: Some(Verdict::Inconclusive), ..found };
    }
    let fix = "Run the check where DNS works: the key of the signature is published there (TXT).";
    let cause = Cause::new(Reason::Unknown, Who::Dns, fix).with_evidence(failure.detail.clone());
    Finding { verdict: Some(Verdict::Inconclusive), cause }
}

fn domain(target: &Target) -> String {
    match &target.host {
        Host::Name(name) => name.clone(),
        Host::Address(address) => address.to_string(),
    }
}

impl Mail {
    fn addresses(&self) -> Vec<IpAddr> {
        let given = self.sender.iter().filter_map(|sender| match sender {
            Sender::Address(address) => Some(*address),
            Sender::Mailbox(_) => None,
        });
        given.collect()
    }

    /// The local part of a mailbox of that domain, where `--sender` gives one.
    fn local_part_of(&self, domain: &str) -> Option<&str> {
        self.sender.iter().find_map(|sender| match sender {
            Sender::Mailbox(mailbox) => mailbox
                .rsplit_once('@')
                .filter(|(_, host)| host.eq_ignore_ascii_case(domain))
                .map(|(local, _)| local),
            Sender::Address(_) => None,
        })
    }

    fn identity(&self, target: &Target) -> Identity {
        let domain = domain(target);
        let mut published = self.addresses();
        if published.is_empty() && domain == platform::DOMAIN {
            published.push(platform::ADDRESS);
        }
        let host = self.mail_host.clone().unwrap_or_else(|| format!("mail.{domain}"));
        let local_part = self.local_part_of(&domain).unwrap_or("postmaster").to_owned();
        Identity { domain, published, local_part, host, selectors: self.selector.clone() }
    }

    fn expectation(&self) -> Expectation {
        let published =
            Published { hosts: self.mail_host.iter().cloned().collect(), addresses: self.addresses() };
        Expectation { max_delay: i64::from(self.max_delay), published }
    }

    fn envelope(&self) -> &str {
        let given = self.sender.iter().find_map(|sender| match sender {
            Sender::Mailbox(mailbox) => Some(mailbox.as_str()),
            Sender::Address(_) => None,
        });
        given.unwrap_or(platform::ENVELOPE)
    }
}
