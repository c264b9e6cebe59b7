//! Signatures that are missing or not valid, and links that a scanner rewrote.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::failure::{Code, Failure};

use super::evidence::{Evidence, MessageFinding};
use crate::facts::{Judgement, Verification};

/// The finding about signature and body.
pub fn find(evidence: &Evidence<'_>) -> Option<MessageFinding> {
    let author = evidence.analysis.author.as_deref().unwrap_or_default();
    let own: Vec<&Verification> = evidence.signatures.iter().filter(|one| one.aligned(author)).collect();
    let is = |result: Judgement| move |one: &&&Verification| one.result == result;
    if own.iter().any(|one| one.result == Judgement::Valid) {
        return None;
    }
    if let Some(one) = own.iter().find(is(Judgement::BodyChanged)) {
        let signer = one.domain.as_deref().unwrap_or("the sender");
        let detail = format!("the body differs from what {signer} signed");
        return Some(finding(Code::MailBodyChanged, detail.clone(), changed(evidence, &detail)));
    }
    // A signature whose key alone is in doubt has proven its body hash: then the links are the sender's own.
    let untouched = own.iter().any(|one| {
        matches!(
            one.result,
            Judgement::HeaderChanged | Judgement::KeyMissing | Judgement::KeyUnusable | Judgement::Unknown
        )
    });
    let links = &evidence.analysis.links;
    if !untouched && let Some((vendor, count)) = links.rewritten.iter().next() {
        let detail = format!("{count} of {} links lead through {vendor}", links.total);
        return Some(finding(Code::MailBodyChanged, detail.clone(), changed(evidence, &detail)));
    }
    if own.is_empty() {
        return Some(unsigned(evidence, author));
    }
    let blamed = own.iter().find(|one| one.result != Judgement::Unknown && !is_excused(evidence, one))?;
    Some(invalid(evidence, blamed))
}

fn finding(code: Code, detail: String, cause: Cause) -> MessageFinding {
    MessageFinding { failure: Failure::new(code, detail), cause }
}

/// What time alone explains: it was valid when it came, or the key was there when the gateway looked.
fn is_excused(evidence: &Evidence<'_>, one: &Verification) -> bool {
    let arrived =
        evidence.analysis.route.arrived.and_then(|time| u64::try_from(time).ok()).unwrap_or_default();
    match one.result {
        Judgement::Expired => one.expires >= arrived,
        Judgement::KeyMissing => evidence.verified_on_arrival(),
        Judgement::KeyUnusable => {
            evidence.verified_on_arrival()
                && one.reason.as_deref().is_some_and(|reason| reason.contains("revoked"))
        }
        _ => false,
    }
}

fn changed(evidence: &Evidence<'_>, seen: &str) -> Cause {
    let analysis = evidence.analysis;
    let links = &analysis.links;
    let already = analysis
        .results
        .iter()
        .any(|results| results.methods.get("dkim").is_some_and(|result| result == "fail"));
    let marked = analysis.banner || !links.rewritten.is_empty();
    if already && !marked {
        let fix = format!(
            "Compare the message with one that went to another mailbox: {} was changed before {} verified it.",
            evidence.mail_in_question(),
            evidence.gateway_text()
        );
        return Cause::new(Reason::Unknown, Who::Unknown, fix)
            .with_evidence(seen)
            .with_evidence("the receiving side itself found the signature invalid");
    }
    let fix = format!(
        "On {} exempt {} from link rewriting, link scanning, banners and disclaimers: a log-in link that a scanner opens is used up.",
        evidence.gateway_text(),
        evidence.mail_in_question()
    );
    let mut cause = Cause::new(Reason::MailGateway, Who::Network, fix).with_evidence(seen);
    let mut signs = 1;
    for (vendor, count) in &links.rewritten {
        let line = format!("{count} of {} links lead through {vendor}", links.total);
        if line != seen {
            signs += 1;
            cause = cause.with_evidence(line);
        }
    }
    if analysis.banner {
        signs += 1;
        cause = cause.with_evidence("a banner warns of mail from outside");
    }
    if evidence.verified_on_arrival() {
        signs += 1;
        cause = cause.with_evidence("the receiving side found the signature valid before the change");
    }
    cause.with_confidence(if signs > 1 { Confidence::Medium } else { Confidence::Low })
}

/// No signature of the author's; those of others do not count for it.
fn unsigned(evidence: &Evidence<'_>, author: &str) -> MessageFinding {
    let others: Vec<&str> = evidence.signatures.iter().filter_map(|one| one.domain.as_deref()).collect();
    let mail = evidence.mail_in_question();
    if others.is_empty() {
        let fix = format!(
            "Sign {mail} with DKIM; if it is signed, keep the gateway from removing DKIM-Signature fields."
        );
        let cause = Cause::new(Reason::Unknown, Who::Unknown, fix)
            .with_evidence("the message has no DKIM-Signature field");
        return finding(Code::MailNoDkim, "the message has no DKIM signature".to_owned(), cause);
    }
    let detail = format!("no DKIM signature is one of {author}; there are those of {}", others.join(", "));
    let fix = format!("Sign {mail} with a DKIM key of {author} (d={author}).");
    let cause = Cause::new(Reason::SenderIdentity, Who::Service, fix).with_evidence(detail.clone());
    finding(Code::MailNoDkim, detail, cause)
}

fn invalid(evidence: &Evidence<'_>, one: &Verification) -> MessageFinding {
    let signer = one.domain.as_deref().unwrap_or("an unnamed domain");
    let reason = one.reason.as_deref().map_or(String::new(), |reason| format!(": {reason}"));
    let detail = match one.result {
        Judgement::HeaderChanged => {
            format!("the header differs from what {signer} signed, or the key is another")
        }
        Judgement::KeyMissing => format!("the key of the signature of {signer} is not in the DNS"),
        Judgement::KeyUnusable => format!("the key of the signature of {signer} cannot be used{reason}"),
        Judgement::Expired => format!("the signature of {signer} had expired before the message arrived"),
        _ => format!("the signature of {signer} cannot be verified{reason}"),
    };
    let cause = match one.result {
        Judgement::HeaderChanged if evidence.verified_on_arrival() => {
            let fix = format!(
                "On {} exempt {} from changes of subject and sender fields.",
                evidence.gateway_text(),
                evidence.mail_in_question()
            );
            Cause::new(Reason::MailGateway, Who::Network, fix)
                .with_confidence(Confidence::Medium)
                .with_evidence(detail.clone())
                .with_evidence("the receiving side found the signature valid before the change")
        }
        Judgement::HeaderChanged => {
            let fix = format!(
                "Compare the message with one that went to another mailbox: either the gateway or {signer} has to change something."
            );
            Cause::new(Reason::Unknown, Who::Unknown, fix).with_evidence(detail.clone())
        }
        _ => {
            let fix = format!("Publish a usable DKIM key for {signer} (DNS, TXT) and sign with it.");
            Cause::new(Reason::SenderIdentity, Who::Service, fix).with_evidence(detail.clone())
        }
    };
    finding(Code::MailDkimInvalid, detail, cause)
}
