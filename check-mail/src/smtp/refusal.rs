//! What a refusal is about, by enhanced code and text (RFC 3463, RFC 7372), and who has to change something.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::failure::{Code, Failure};

use super::reply::Reply;
use crate::platform::{ADDRESS, HOST};

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The address that asks: ours, so nothing is learned of the platform's.
    Client,
    /// The name given in EHLO: ours too.
    Helo,
    /// The sender is asked to log in: a submission server.
    Authentication,
    /// The sender is asked to use TLS first.
    Encryption,
    /// SPF, DKIM or DMARC of the sender, judged by our address.
    SenderAuthentication,
    /// The sender's domain or mailbox.
    Sender,
    /// The recipient does not exist.
    Recipient,
    /// The recipient's mailbox or the server is full.
    Full,
    /// The server takes no mail for that domain.
    Relay,
    /// Everybody who is new is put off for a while.
    Greylisting,
    /// Too many connections or messages.
    Rate,
    /// A passing trouble of the server.
    Trouble,
    /// A rule of the gateway that it does not name.
    Policy,
}

impl Subject {
    /// The word in a record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Subject::Client => "client_address",
            Subject::Helo => "helo",
            Subject::Authentication => "authentication",
            Subject::Encryption => "encryption",
            Subject::SenderAuthentication => "sender_authentication",
            Subject::Sender => "sender",
            Subject::Recipient => "recipient",
            Subject::Full => "full",
            Subject::Relay => "relay",
            Subject::Greylisting => "greylisting",
            Subject::Rate => "rate",
            Subject::Trouble => "trouble",
            Subject::Policy => "policy",
        }
    }

    /// Whether the refusal is for this machine, which says nothing of the platform.
    #[must_use]
    pub fn is_ours(self) -> bool {
        matches!(
            self,
            Subject::Client
                | Subject::Helo
                | Subject::Authentication
                | Subject::SenderAuthentication
                | Subject::Relay
        )
    }

    /// The refusal in words.
    fn sentence(self) -> &'static str {
        match self {
            Subject::Client => {
                "the gateway refuses this machine's address, which says nothing of the platform's"
            }
            Subject::Helo => {
                "the gateway refuses the EHLO name of this machine, which says nothing of the platform's"
            }
            Subject::Authentication => {
                "the server asks for a log-in: it is a submission server, not a mail gateway"
            }
            Subject::Encryption => "the gateway takes mail over TLS only",
            Subject::SenderAuthentication => {
                "the gateway refuses the sender because this machine's address may not send for it, which says nothing of the platform's"
            }
            Subject::Sender => "the gateway refuses the sender",
            Subject::Recipient => "the gateway does not know the recipient",
            Subject::Full => "the mailbox or the server is full",
            Subject::Relay => "the server takes no mail for the recipient's domain from outside",
            Subject::Greylisting => "the gateway puts new senders off for a while (greylisting)",
            Subject::Rate => "the gateway limits how much it takes",
            Subject::Trouble => "the gateway has a passing trouble",
            Subject::Policy => "the gateway refuses by a rule that it does not name",
        }
    }
}

/// Words of refusals, the most telling first.
const WORDS: [(Subject, &[&str]); 10] = [
    (
        Subject::Helo,
        &[
            "helo command rejected",
            "ehlo command rejected",
            "invalid helo",
            "bad helo",
            "helo name",
            "invalid ehlo",
            "helo/ehlo",
        ],
    ),
    (Subject::Authentication, &["authentication required", "must authenticate", "auth required"]),
    (
        Subject::Client,
        &[
            "blacklist",
            "blocklist",
            "block list",
            "black list",
            "blocked using",
            "dnsbl",
            "spamhaus",
            "spamcop",
            "barracudacentral",
            "banned sending ip",
            "your ip",
            "client host",
            "client address",
            "reverse hostname",
            "reverse dns",
            "ptr record",
            "poor reputation",
            "bad reputation",
            "sender ip",
            "ip address",
        ],
    ),
    (Subject::Relay, &["relay", "not a local domain", "not our domain", "domain not hosted"]),
    (Subject::SenderAuthentication, &["spf", "dmarc", "dkim", "unauthenticated"]),
    (
        Subject::Sender,
        &[
            "sender address rejected",
            "sender rejected",
            "sender denied",
            "domain of sender",
            "sender domain",
            "sender verify",
        ],
    ),
    (
        Subject::Recipient,
        &[
            "no such user",
            "user unknown",
            "unknown user",
            "unknown recipient",
            "recipient unknown",
            "mailbox unavailable",
            "does not exist",
            "no mailbox",
            "invalid recipient",
            "recipient not found",
            "unrouteable address",
        ],
    ),
    (Subject::Full, &["quota", "mailbox full", "mailbox is full", "insufficient system storage"]),
    (Subject::Rate, &["too many", "rate limit", "throttl", "connection limit"]),
    (Subject::Trouble, &["temporary", "try again later"]),
];

/// What a reply of 4xx or 5xx is about, by its enhanced code, then by its words. `greeting` says that it is the reply to the
/// connection or to EHLO, which knows of nothing but us.
#[must_use]
pub fn subject(reply: &Reply, greeting: bool) -> Subject {
    let text = reply.lines.join(" ").to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["greylist", "graylist", "gray-list", "grey-list"]) {
        return Subject::Greylisting;
    }
    if let Some(subject) = by_enhanced_code(reply, &says) {
        return subject;
    }
    if reply.code == 530 {
        return if says(&["starttls", "encrypt"]) { Subject::Encryption } else { Subject::Authentication };
    }
    if let Some((subject, _)) = WORDS.iter().find(|(_, words)| says(words)) {
        return *subject;
    }
    match (reply.code, reply.class(), greeting) {
        (452 | 552, ..) => Subject::Full,
        (_, 4, _) => Subject::Trouble,
        (_, _, true) => Subject::Client,
        _ => Subject::Policy,
    }
}

fn by_enhanced_code(reply: &Reply, says: &dyn Fn(&[&str]) -> bool) -> Option<Subject> {
    let [_, subject, detail] = reply.enhanced?;
    match (subject, detail) {
        (7, 20..=24 | 26 | 29) => Some(Subject::SenderAuthentication),
        (7, 25 | 27 | 28) => Some(if detail == 28 { Subject::Rate } else { Subject::Client }),
        // Exchange Online: addresses refused by reputation.
        (7, 500..=699) => Some(Subject::Client),
        (7, 1) if says(&["relay"]) => Some(Subject::Relay),
        (7, 0) if reply.code == 530 && says(&["starttls", "tls"]) => Some(Subject::Encryption),
        (7, 0 | 8 | 9) if matches!(reply.code, 530 | 534 | 535) => Some(Subject::Authentication),
        (7, 64) => Some(Subject::Relay),
        (1, 7 | 8) => Some(Subject::Sender),
        (1, 0..=6 | 9 | 10) => Some(Subject::Recipient),
        (2, 2) | (3, 1) => Some(Subject::Full),
        (2, 1) => Some(Subject::Recipient),
        // Exchange Online answers so for recipients its directory does not hold.
        (4, 1) if says(&["access denied", "recipient address rejected"]) => Some(Subject::Recipient),
        (4, 5) | (3, 2) => Some(Subject::Trouble),
        _ => None,
    }
}

/// A reply to connection or EHLO that is not yes.
#[must_use]
pub fn greeting_failure(reply: &Reply, what: &str) -> Failure {
    let code = if reply.class() == 4 { Code::SmtpDeferred } else { Code::SmtpRejected };
    let subject = subject(reply, true);
    Failure::new(code, format!("the reply to {what} is {}: {}", quoted(reply), subject.sentence()))
}

/// A reply to MAIL or RCPT that is not yes.
#[must_use]
pub fn envelope_failure(reply: &Reply, subject: Subject, command: &str) -> Failure {
    let code = if reply.class() == 4 { Code::SmtpDeferred } else { Code::SmtpRejected };
    Failure::new(code, format!("the reply to {command} is {}: {}", quoted(reply), subject.sentence()))
}

fn quoted(reply: &Reply) -> String {
    let text = reply.lines.first().map_or("", String::as_str);
    format!("{} \"{text}\"", reply.code)
}

/// Who has to change something about a refusal.
#[must_use]
pub fn cause(place: &str, subject: Subject, reply: &Reply) -> Cause {
    let ours = "the gateway replied to this machine's address, not to the platform's";
    let unknown = |fix: String| Cause::new(Reason::Unknown, Who::Unknown, fix);
    let gateway = |fix: String| Cause::new(Reason::MailGateway, Who::Network, fix);
    let cause = match subject {
        Subject::Client | Subject::SenderAuthentication => unknown(format!(
            "Allow-list {HOST} ({ADDRESS}) on the mail gateway {place} (TCP, SMTP), and test with a message from the platform (--message)."
        )),
        Subject::Helo => {
            unknown("Give a full host name of this machine with --helo, and check again.".to_owned())
        }
        Subject::Authentication => unknown(format!(
            "Check the mail gateway that the MX record of the recipient's domain names, on TCP 25: {place} is for clients that log in."
        )),
        Subject::Relay => unknown(format!(
            "Check the mail gateway that the MX record of the recipient's domain names, or give a --recipient of a domain that {place} serves."
        )),
        Subject::Recipient => unknown(format!("Name an existing mailbox of {place} with --recipient.")),
        Subject::Full => gateway(format!("Make room in the recipient's mailbox, or on {place}.")),
        Subject::Encryption => gateway(format!(
            "Offer STARTTLS on {place} (TCP, SMTP): it takes mail over TLS only and offers none here."
        )),
        Subject::Sender => gateway(format!(
            "On the mail gateway {place} (TCP, SMTP) accept the sender's domain, and make sure that its resolver finds the domain in the DNS."
        )),
        Subject::Greylisting | Subject::Rate => gateway(format!(
            "On the mail gateway {place} (TCP, SMTP) exempt {HOST} ({ADDRESS}) from greylisting and throttling."
        )),
        Subject::Trouble => gateway(format!(
            "Ask the operator of the mail gateway {place} (TCP, SMTP) about the error; check again later."
        )),
        Subject::Policy => {
            gateway(format!("On the mail gateway {place} (TCP, SMTP) accept mail from {HOST} ({ADDRESS})."))
        }
    };
    cause
        .with_confidence(Confidence::Low)
        .with_evidence(format!("reply {}: {}", reply.status(), subject.sentence()))
        .with_evidence(ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::reply::Parsed;

    fn about(line: &str) -> Subject {
        match Reply::parse(format!("{line}\r\n").as_bytes()) {
            Parsed::Whole(reply, _) => subject(&reply, false),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn each_refusal_is_about_its_own_subject() {
        for (line, wanted) in [
            ("450 4.2.0 <x@y.example>: Recipient address rejected: Greylisted", Subject::Greylisting),
            ("451 4.7.1 Greylisting in action, please come back later", Subject::Greylisting),
            ("550 5.1.1 <x@y.example>: Recipient address rejected: User unknown", Subject::Recipient),
            ("550 5.4.1 Recipient address rejected: Access denied", Subject::Recipient),
            ("550 No such user here", Subject::Recipient),
            ("550 5.7.606 Access denied, banned sending IP [192.0.2.1]", Subject::Client),
            (
                "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.example",
                Subject::Client,
            ),
            ("450 4.7.25 Client host rejected: cannot find your reverse hostname", Subject::Client),
            ("554 5.7.1 <x@y.example>: Relay access denied", Subject::Relay),
            ("550 relay not permitted", Subject::Relay),
            ("452 4.2.2 Mailbox full", Subject::Full),
            ("452 4.3.1 Insufficient system storage", Subject::Full),
            ("530 5.7.0 Authentication required", Subject::Authentication),
            ("530 5.7.0 Must issue a STARTTLS command first", Subject::Encryption),
            ("504 5.5.2 <probe>: Helo command rejected: need fully-qualified hostname", Subject::Helo),
            ("450 4.1.8 <x@y.example>: Sender address rejected: Domain not found", Subject::Sender),
            (
                "550 5.7.26 Unauthenticated email from y.example is not accepted",
                Subject::SenderAuthentication,
            ),
            ("550 5.7.23 SPF validation failed", Subject::SenderAuthentication),
            ("421 4.7.0 Too many errors, closing", Subject::Rate),
            ("451 4.3.0 Temporary lookup failure", Subject::Trouble),
            ("550 5.7.1 Message refused by policy", Subject::Policy),
        ] {
            assert_eq!(about(line), wanted, "{line}");
        }
    }

    #[test]
    fn what_is_about_us_proves_nothing_of_the_platform() {
        assert!(
            Subject::Client.is_ours() && Subject::Helo.is_ours() && Subject::SenderAuthentication.is_ours()
        );
        assert!(
            !Subject::Recipient.is_ours() && !Subject::Greylisting.is_ours() && !Subject::Sender.is_ours()
        );
    }
}
