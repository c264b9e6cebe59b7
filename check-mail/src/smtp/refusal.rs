//! What a gateway's answers mean, and who is to mend what they show.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::failure::{Code, Failure};

use crate::platform;
use crate::reply::Reply;

/// What a reply to connection or greeting means.
///
/// # Errors
/// `smtp.rejected`: anything but yes.
pub fn accepted(reply: &Reply, what: &str) -> Result<(), Failure> {
    match reply.class() {
        2 => Ok(()),
        _ => Err(Failure::new(
            Code::SmtpRejected,
            format!("the mail server refuses {what}: {}", spoken(reply)),
        )),
    }
}

/// The answer to an envelope. Codes 5.7.20 to 5.7.29 speak of SPF, DKIM and reverse DNS of the address that asks (RFC 7372), which is ours.
#[must_use]
pub fn judge(reply: &Reply) -> &'static str {
    match (reply.class(), reply.enhanced) {
        (2, _) => "accepted",
        (4, _) => "deferred",
        (_, Some([5, 7, 20..=29])) => "unproven",
        _ => "rejected",
    }
}

/// The answer in words.
#[must_use]
pub fn detail(answer: &str, reply: &Reply) -> String {
    let what = match answer {
        "deferred" => {
            "the gateway puts the sender off: an artificial delay (greylisting), or a passing trouble"
        }
        "unproven" => {
            "the gateway refuses this machine's address for the sender, which says nothing of the platform's"
        }
        _ => "the gateway refuses sender or recipient",
    };
    format!("{what}: {}", spoken(reply))
}

fn spoken(reply: &Reply) -> String {
    format!("{} \"{}\"", reply.code, reply.lines.first().map_or("", String::as_str))
}

/// Why sender or recipient were not taken.
#[must_use]
pub fn refusal(place: &str, answer: &str, reply: &Reply) -> Cause {
    let seen =
        format!("the gateway answered {} to this machine's address, not to the platform's", reply.status());
    if matches!(reply.enhanced, Some([5, 1, _])) {
        let fix = format!("Name an existing mailbox of {place} with --recipient.");
        return Cause::new(Reason::Unknown, Who::Unknown, fix).seen(seen);
    }
    if answer == "unproven" {
        let fix = format!(
            "Allow-list {} ({}) on {place}, TCP SMTP, and test with a message.",
            platform::HOST,
            platform::ADDRESS
        );
        return Cause::new(Reason::Unknown, Who::Unknown, fix).seen(seen);
    }
    let fix = format!(
        "On the mail gateway {place} (TCP, SMTP) accept mail from {} ({}) without greylisting or delay.",
        platform::HOST,
        platform::ADDRESS
    );
    Cause::new(Reason::MailGateway, Who::Network, fix).sure(Confidence::Low).seen(seen)
}

/// Mail to this gateway travels unencrypted.
#[must_use]
pub fn without_tls(place: &str) -> Cause {
    let fix = format!("Offer STARTTLS with a valid certificate on {} (TCP, SMTP).", place);
    Cause::new(Reason::MailGateway, Who::Network, fix).seen("mail to this gateway travels unencrypted")
}

/// A firewall that rewrites SMTP masks what it does not know: `220 ****`, `250-XXXXXXXA`.
#[must_use]
pub fn stripped(place: &str, banner: Option<&str>, extensions: &[String]) -> Cause {
    let masked = banner.is_some_and(|banner| banner.matches('*').count() >= 10);
    let crossed = extensions.iter().any(|line| {
        let word = line.split_whitespace().next().unwrap_or_default();
        word.len() >= 6 && word.bytes().filter(|byte| *byte == b'X').count() + 1 >= word.len()
    });
    if !masked && !crossed {
        return without_tls(place);
    }
    let fix =
        format!("Switch off SMTP inspection (\"fixup\", ESMTP inspection) for {} on the firewall.", place);
    let cause = Cause::new(Reason::NatRewrite, Who::Network, fix);
    let cause = if masked { cause.seen("the banner is masked with asterisks") } else { cause };
    let cause = if crossed { cause.seen("an extension's name is overwritten with X") } else { cause };
    cause.sure(if masked && crossed { Confidence::Medium } else { Confidence::Low })
}
