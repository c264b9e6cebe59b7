//! What the receiving side decided: junk, quarantine, or a sender that failed authentication.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::failure::{Code, Failure};

use super::evidence::{Evidence, MessageFinding};
use crate::facts::Judgement;

/// The finding about a message that the receiving side does not treat as wanted mail.
pub fn find(evidence: &Evidence<'_>) -> Option<MessageFinding> {
    let analysis = evidence.analysis;
    let marks: Vec<_> = analysis.junk.iter().filter(|mark| mark.junk).collect();
    let failed = analysis.results.iter().find_map(|results| results.failed());
    let detail = match (marks.first(), &failed) {
        (Some(mark), _) => match &mark.score {
            Some(score) => {
                format!("the receiving side filed the message as junk: {} has the score {score}", mark.field)
            }
            None => format!("the receiving side filed the message as junk: {} says so", mark.field),
        },
        (None, Some(failed)) => format!("the receiving side failed the sender's authentication: {failed}"),
        (None, None) => return None,
    };
    let cause = match failed {
        Some(failed) if marks.is_empty() => authentication(evidence, &failed),
        _ => filter(evidence, &detail),
    };
    let cause = marks
        .iter()
        .skip(1)
        .fold(cause, |cause, mark| cause.with_evidence(format!("{} says junk too", mark.field)));
    let cause = if marks.len() > 1 { cause.with_confidence(Confidence::Medium) } else { cause };
    Some(MessageFinding { failure: Failure::new(Code::MailJunk, detail), cause })
}

fn filter(evidence: &Evidence<'_>, detail: &str) -> Cause {
    let fix = format!(
        "On {} allow-list {} in the spam and phishing filters.",
        evidence.gateway_text(),
        evidence.mail_in_question()
    );
    Cause::new(Reason::MailGateway, Who::Network, fix).with_evidence(detail)
}

/// Why authentication failed: the sender did not sign, or something changed the message before the check.
fn authentication(evidence: &Evidence<'_>, failed: &str) -> Cause {
    let author = evidence.analysis.author.as_deref().unwrap_or_default();
    let seen = format!("Authentication-Results of the receiving side: {failed}");
    let aligned =
        |result: Judgement| evidence.signatures.iter().any(|one| one.aligned(author) && one.result == result);
    if aligned(Judgement::Valid) {
        let fix = format!(
            "On {} accept {} with its DKIM signature: check what changes the message before it is verified.",
            evidence.gateway_text(),
            evidence.mail_in_question()
        );
        return Cause::new(Reason::MailGateway, Who::Network, fix)
            .with_confidence(Confidence::Medium)
            .with_evidence(seen)
            .with_evidence(format!("the DKIM signature of {author} is valid in this file"));
    }
    if aligned(Judgement::BodyChanged) || aligned(Judgement::HeaderChanged) {
        let fix = format!(
            "Check which host changes {} before {} verifies it.",
            evidence.mail_in_question(),
            evidence.gateway_text()
        );
        return Cause::new(Reason::Unknown, Who::Unknown, fix)
            .with_evidence(seen)
            .with_evidence(format!("the DKIM signature of {author} does not match the message"));
    }
    let fix = format!(
        "Sign mail of {author} with a DKIM key of {author} (d={author}), or send it from a host that its SPF record covers."
    );
    Cause::new(Reason::SenderIdentity, Who::Service, fix)
        .with_evidence(seen)
        .with_evidence(format!("no valid DKIM signature is one of {author}"))
}
