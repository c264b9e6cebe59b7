//! What is wrong with a message on its way here, and who is to mend it.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::failure::{Code, Failure};

use crate::message::Analysis;
use crate::message::route::{Route, Wait};
use crate::platform::{ADDRESS, HOST, LINK_LIFETIME};
use crate::seal::{Judgement, Seal};

/// A thing observed, and what it is put down to.
pub type Complaint = (Failure, Cause);

/// Whether the log-in link was worth nothing any more.
#[must_use]
pub fn too_late(route: &Route, max_delay: i64) -> bool {
    route.total.is_some_and(|total| total > LINK_LIFETIME.max(max_delay))
}

/// The complaint about a message that took longer than `max_delay` seconds.
#[must_use]
pub fn delay(analysis: &Analysis<'_>, max_delay: i64) -> Option<Complaint> {
    let route = &analysis.route;
    let total = route.total.filter(|total| *total > max_delay)?;
    let wait = route.slowest.as_ref()?;
    let (from, by) = (named(wait.from.as_deref()), named(wait.by.as_deref()));
    let detail = format!("the message took {total} s; {} s of them between {from} and {by}", wait.seconds);
    let failure = Failure::new(Code::MailDelayed, detail);
    if wait.origin {
        let fix = format!("Ask the platform why {from} held the message for {} s.", wait.seconds);
        let cause = Cause::new(Reason::Unknown, Who::Service, fix);
        return Some((
            failure,
            cause.seen(format!("{from} and {by} belong to the organisation that sent it")),
        ));
    }
    Some((failure, held(wait, &from, &by, analysis.greylisted)))
}

fn held(wait: &Wait, from: &str, by: &str, greylisted: Option<u32>) -> Cause {
    let fix = format!(
        "On the mail gateway {by} (TCP 25, SMTP) exempt {HOST} ({ADDRESS}) from greylisting, throttling and delaying scans."
    );
    let cause = Cause::new(Reason::MailGateway, Who::Network, fix)
        .seen(format!("{from} had the message {} s before {by} took it", wait.seconds));
    let cause = match greylisted {
        Some(seconds) => cause
            .sure(Confidence::Medium)
            .seen(format!("an X-Greylist field tells of {seconds} s of greylisting")),
        None => cause,
    };
    match wait.witnesses {
        0 if greylisted.is_some() => cause,
        0 => cause.seen(format!("only the clock of {by} says so")),
        hops => cause
            .sure(Confidence::Medium)
            .seen(format!("the clocks of {hops} later hops at other hosts agree with that of {by}")),
    }
}

fn named(host: Option<&str>) -> String {
    host.unwrap_or("a host without a name").to_owned()
}

/// The complaint about signatures, and about links that a scanner rewrote.
#[must_use]
pub fn seals(analysis: &Analysis<'_>, seals: &[Seal]) -> Option<Complaint> {
    let author = analysis.author.as_deref().unwrap_or_default();
    let own: Vec<&Seal> = seals.iter().filter(|seal| seal.aligned(author)).collect();
    let own = if own.is_empty() { seals.iter().collect() } else { own };
    let is = |result: Judgement| move |seal: &&&Seal| seal.result == result;
    if own.iter().any(|seal| seal.result == Judgement::Valid) {
        return None;
    }
    if let Some(seal) = own.iter().find(is(Judgement::BodyChanged)) {
        let signer = seal.domain.as_deref().unwrap_or("the sender");
        let detail = format!("the body is not the one that {signer} signed");
        return Some((Failure::new(Code::MailBodyChanged, detail.clone()), changed(analysis, &detail)));
    }
    // A signature whose key alone is in doubt has proven its body hash: then the links are the sender's own.
    let untouched = own.iter().any(|seal| {
        matches!(
            seal.result,
            Judgement::HeaderChanged | Judgement::KeyMissing | Judgement::KeyUnusable | Judgement::Unknown
        )
    });
    if !untouched && let Some((vendor, links)) = analysis.links.rewritten.iter().next() {
        let detail = format!("{links} of {} links lead through {vendor}", analysis.links.total);
        return Some((Failure::new(Code::MailBodyChanged, detail.clone()), changed(analysis, &detail)));
    }
    if own.is_empty() {
        return Some(unsigned());
    }
    let blamed = own.iter().find(|seal| seal.result != Judgement::Unknown && !excused(analysis, seal))?;
    Some(invalid(analysis, blamed))
}

/// What time alone explains: it was valid when it came, or the key was there when the gateway looked.
fn excused(analysis: &Analysis<'_>, seal: &Seal) -> bool {
    let arrived = analysis.route.arrived.and_then(|time| u64::try_from(time).ok()).unwrap_or_default();
    match seal.result {
        Judgement::Expired => seal.expires >= arrived,
        Judgement::KeyMissing | Judgement::KeyUnusable => verified_on_arrival(analysis),
        _ => false,
    }
}

fn verified_on_arrival(analysis: &Analysis<'_>) -> bool {
    analysis.results.iter().any(|results| results.passed("dkim"))
}

fn changed(analysis: &Analysis<'_>, seen: &str) -> Cause {
    let who = analysis.links.rewritten.keys().next().or(analysis.gateways.first());
    let gateway = who.map_or("the mail gateway".to_owned(), |vendor| format!("the mail gateway ({vendor})"));
    let fix = format!(
        "On {gateway} exempt mail from {HOST} ({ADDRESS}) from link rewriting, link scanning, banners and disclaimers: \
         a link that is opened by a scanner is spent."
    );
    let mut cause = Cause::new(Reason::MailGateway, Who::Network, fix).seen(seen);
    let mut signs = 1;
    for (vendor, links) in &analysis.links.rewritten {
        let line = format!("{links} of {} links lead through {vendor}", analysis.links.total);
        if line != seen {
            signs += 1;
            cause = cause.seen(line);
        }
    }
    if analysis.banner {
        signs += 1;
        cause = cause.seen("a banner warns of mail from outside");
    }
    if verified_on_arrival(analysis) {
        signs += 1;
        cause = cause.seen("the receiving gateway found the signature valid before the change");
    }
    cause.sure(if signs > 1 { Confidence::Medium } else { Confidence::Low })
}

fn unsigned() -> Complaint {
    let failure = Failure::new(Code::MailNoDkim, "the message bears no DKIM signature");
    let fix =
        format!("Sign mail from {HOST} with DKIM; or keep the gateway from removing DKIM-Signature fields.");
    let cause =
        Cause::new(Reason::Unknown, Who::Unknown, fix).seen("no DKIM-Signature field is left or ever was");
    (failure, cause)
}

fn invalid(analysis: &Analysis<'_>, seal: &Seal) -> Complaint {
    let signer = seal.domain.as_deref().unwrap_or("an unnamed domain");
    let detail = match seal.result {
        Judgement::HeaderChanged => {
            format!("the header is not the one that {signer} signed, or its key is another")
        }
        Judgement::KeyMissing => format!("the key of {signer}'s signature is not in the DNS"),
        Judgement::KeyUnusable => format!("the key of {signer}'s signature cannot be used"),
        Judgement::Expired => format!("the signature of {signer} had expired before the message came"),
        _ => "what stands in DKIM-Signature is no signature that can be verified".to_owned(),
    };
    let failure = Failure::new(Code::MailDkimInvalid, detail.clone());
    let cause = match seal.result {
        Judgement::HeaderChanged if verified_on_arrival(analysis) => {
            let fix = format!(
                "On the mail gateway exempt mail from {HOST} ({ADDRESS}) from changes of subject and sender fields."
            );
            Cause::new(Reason::MailGateway, Who::Network, fix)
                .sure(Confidence::Medium)
                .seen(detail)
                .seen("the receiving gateway found the signature valid before the change")
        }
        Judgement::HeaderChanged => {
            let fix = format!(
                "Compare the message with one that went elsewhere: the gateway or {signer} is at fault."
            );
            Cause::new(Reason::Unknown, Who::Unknown, fix).seen(detail)
        }
        _ => {
            let fix = format!("Publish a sound DKIM key for {signer} and sign with it.");
            Cause::new(Reason::SenderIdentity, Who::Service, fix).seen(detail)
        }
    };
    (failure, cause)
}
