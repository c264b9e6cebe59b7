//! Firewalls that rewrite SMTP: what they mask, and what a gateway without TLS means.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};

/// What of a conversation shows rewriting.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conversation<'a> {
    /// The first line of the banner.
    pub banner: Option<&'a str>,
    /// The lines of the EHLO reply.
    pub extensions: &'a [String],
    /// The texts of refusals to EHLO and STARTTLS.
    pub refusals: &'a [String],
}

/// Mail to this gateway travels unencrypted.
#[must_use]
pub fn without_tls(place: &str) -> Cause {
    let fix = format!("Offer STARTTLS with a valid certificate on {place} (TCP, SMTP).");
    Cause::new(Reason::MailGateway, Who::Network, fix)
        .with_evidence("mail to this gateway travels unencrypted")
}

/// Why there is no TLS: a firewall that inspects SMTP overwrites what it does not know (`220 ****`, `250-XXXXXXXA`, `"XXXXXXXX"`),
/// else the gateway offers none.
#[must_use]
pub fn explain_missing_tls(place: &str, conversation: &Conversation<'_>) -> Cause {
    let mut signs = Vec::new();
    if conversation.banner.is_some_and(is_masked) {
        signs.push("the banner is masked with asterisks".to_owned());
    }
    if let Some(line) =
        conversation.extensions.iter().find(|line| first_word(line).is_some_and(is_overwritten))
    {
        signs.push(format!("the name of an extension is overwritten: \"{line}\""));
    }
    let crossed = |line: &&String| line.split([' ', '"', '\'', '<', '>', ':', ',', '.']).any(is_overwritten);
    if let Some(line) = conversation.refusals.iter().find(crossed) {
        signs.push(format!("the server received a command overwritten with X: \"{line}\""));
    }
    if signs.is_empty() {
        return without_tls(place);
    }
    let fix = format!(
        "Turn off SMTP inspection (\"ESMTP inspection\", \"fixup smtp\") for {place} on the firewall."
    );
    let confidence = if signs.len() > 1 { Confidence::Medium } else { Confidence::Low };
    let cause = Cause::new(Reason::NatRewrite, Who::Network, fix).with_confidence(confidence);
    signs.into_iter().fold(cause, Cause::with_evidence)
}

fn first_word(line: &str) -> Option<&str> {
    line.split_whitespace().next()
}

/// Ten asterisks or more, and little else.
fn is_masked(banner: &str) -> bool {
    let stars = banner.matches('*').count();
    stars >= 10 && stars * 2 > banner.len()
}

/// Four letters or more, all X but perhaps the last.
fn is_overwritten(word: &str) -> bool {
    let crosses = word.bytes().take_while(|byte| *byte == b'X').count();
    word.len() >= 4 && crosses + 1 >= word.len() && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_overwritten_counts() {
        assert!(is_overwritten("XXXXXXXA") && is_overwritten("XXXXXXXX") && is_overwritten("XXXX"));
        assert!(
            !is_overwritten("XCLIENT")
                && !is_overwritten("XFORWARD")
                && !is_overwritten("XX")
                && !is_overwritten("SIZE")
        );
        assert!(is_masked("****************************2******0*0*"));
        assert!(
            !is_masked("mx.example.net ESMTP ***")
                && !is_masked("*** authorized use only, see our **policy** ***")
        );
    }
}
