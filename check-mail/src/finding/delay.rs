//! A message that took too long, and the host that held it.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::failure::{Code, Failure};

use super::evidence::{Evidence, MessageFinding};
use crate::message::route::{Route, Wait, named};
use crate::message::sides::Side;
use crate::platform::LINK_LIFETIME;

/// Whether the log-in link of a message is useless by the time it arrives.
#[must_use]
pub fn is_too_late(route: &Route) -> bool {
    route.total.is_some_and(|total| total >= LINK_LIFETIME)
}

/// The finding about a message that took longer than allowed.
pub fn find(evidence: &Evidence<'_>) -> Option<MessageFinding> {
    let route = &evidence.analysis.route;
    let total = route.total.filter(|total| *total > evidence.max_delay || is_too_late(route))?;
    let wait = route.slowest.as_ref()?;
    let (from, by) = (named(wait.from.as_deref()), named(wait.by.as_deref()));
    let across = match wait.across.as_slice() {
        [] => String::new(),
        hosts => format!(" (across {}, whose time is missing or not believed)", hosts.join(", ")),
    };
    let place = match wait.scanner {
        Some(scanner) if from == by => format!("on {from}, in its scanner {scanner}"),
        _ => format!("between {from} and {by}{across}"),
    };
    let detail = format!("the message took {total} s; {} s of them {place}", wait.seconds);
    let cause = match wait.holder {
        _ if wait.origin => held_by_sender(wait, &from, &by),
        Side::Receiver => held_by_receiver(evidence, wait, &from, &by),
        Side::Sender => held_at_the_border(evidence, wait, &from, &by),
        Side::Unknown => held_between(evidence, wait, &from, &by),
    };
    let cause = with_clocks(cause, evidence, wait, &by);
    Some(MessageFinding { failure: Failure::new(Code::MailDelayed, detail), cause })
}

/// A delay inside the sender's own hosts.
fn held_by_sender(wait: &Wait, from: &str, by: &str) -> Cause {
    let fix = format!("Ask the operator of {from} why it held the message for {} s.", wait.seconds);
    Cause::new(Reason::Unknown, Who::Service, fix)
        .with_evidence(format!("{from} and {by} are hosts of the sender"))
}

/// A delay inside the receiver's own hosts: the one that had the message held it.
fn held_by_receiver(evidence: &Evidence<'_>, wait: &Wait, from: &str, by: &str) -> Cause {
    let vendor = evidence.vendor_of(from).map_or(String::new(), |vendor| format!("{vendor}, "));
    let holder = match wait.scanner {
        Some(scanner) => format!("its scanner {scanner}"),
        None => "it".to_owned(),
    };
    let names = [wait.from_alias.clone(), wait.from_address.map(|address| address.to_string())];
    let names: Vec<String> = names.into_iter().flatten().filter(|name| name != from && name != by).collect();
    let also = names.iter().fold(String::new(), |text, name| format!("{text}{name}, "));
    let fix = format!(
        "On {from} ({also}{vendor}SMTP) exempt {} from quarantine, sandboxing and scans that delay: {holder} held the message for {} s.",
        evidence.mail_in_question(),
        wait.seconds
    );
    let seen = match (wait.scanner, names.as_slice()) {
        (Some(scanner), _) => {
            format!("{from} took the message {} s before {scanner} passed it on", wait.seconds)
        }
        (None, []) => format!("{from} took the message {} s before {by} got it", wait.seconds),
        (None, names) => {
            format!("{from} took the message {} s before {by} got it from {}", wait.seconds, names.join(", "))
        }
    };
    Cause::new(Reason::MailGateway, Who::Network, fix).with_evidence(seen)
}

/// A delay between the sender's last host and the gateway: the gateway put the sender off, or the sender waited.
fn held_at_the_border(evidence: &Evidence<'_>, wait: &Wait, from: &str, by: &str) -> Cause {
    let vendor = evidence.vendor_of(by).map_or(String::new(), |vendor| format!("{vendor}, "));
    let fix = format!(
        "On the mail gateway {by} ({vendor}TCP 25, SMTP) exempt {} from greylisting, throttling and scans that delay.",
        evidence.mail_in_question()
    );
    Cause::new(Reason::MailGateway, Who::Network, fix)
        .with_evidence(format!("{from} had the message {} s before {by} took it", wait.seconds))
}

/// A delay at a host that is neither the sender's nor the receiver's, as far as the message tells.
fn held_between(evidence: &Evidence<'_>, wait: &Wait, from: &str, by: &str) -> Cause {
    let fix = format!(
        "Ask the operator of {from} why it held the message for {} s; if {by} (TCP 25, SMTP) puts {from} off, exempt {} there from greylisting and throttling.",
        wait.seconds,
        evidence.mail_in_question()
    );
    Cause::new(Reason::MailGateway, Who::Network, fix)
        .with_evidence(format!("{from} had the message {} s before {by} took it", wait.seconds))
        .with_evidence(format!("the message does not tell whether {from} is the sender's or the receiver's"))
}

fn with_clocks(cause: Cause, evidence: &Evidence<'_>, wait: &Wait, by: &str) -> Cause {
    let told = evidence.analysis.greylisted;
    let cause = match told {
        Some(seconds) => cause
            .with_confidence(Confidence::Medium)
            .with_evidence(format!("an X-Greylist field tells of {seconds} s of greylisting")),
        None => cause,
    };
    match wait.agreeing {
        0 if told.is_some() => cause,
        0 => cause.with_evidence(format!(
            "only clocks of one organisation, that of {by}, show the end of the wait"
        )),
        hops => cause.with_confidence(Confidence::Medium).with_evidence(format!(
            "the clocks of {hops} later hops at other organisations agree with that of {by}"
        )),
    }
}

/// A longer time between the `Date` field and the first hop tells of a message that was sent again, not of one that waited.
const LONGEST_WAIT: i64 = 86_400;

/// The finding about a message that was written long before the sender's first host took it.
pub fn find_before_first_hop(evidence: &Evidence<'_>) -> Option<MessageFinding> {
    let route = &evidence.analysis.route;
    let seconds = route
        .before_first_hop
        .filter(|seconds| (evidence.max_delay..LONGEST_WAIT).contains(&(seconds - 1)))?;
    route.total?;
    let by = named(evidence.analysis.hops.first().and_then(|hop| hop.by.as_deref()));
    let detail = format!("the Date field is {seconds} s before the first hop, {by}");
    let fix = format!("Ask the sender whether the message waited {seconds} s before {by} took it.");
    let cause = Cause::new(Reason::Unknown, Who::Service, fix)
        .with_evidence(detail.clone())
        .with_evidence("only the clock of the author says so");
    Some(MessageFinding { failure: Failure::new(Code::MailDelayed, detail), cause })
}

/// The finding about a message whose delay cannot be known.
pub fn find_unknown(evidence: &Evidence<'_>) -> Option<MessageFinding> {
    let route = &evidence.analysis.route;
    let reason = route.unknown.as_deref()?;
    let fix = "Send the message again and note by a clock of your own when it was sent and when it arrived; set the clocks of the mail servers named here by NTP.";
    let mut cause = Cause::new(Reason::Unknown, Who::Unknown, fix).with_evidence(reason);
    for skew in route.skewed.iter().take(5) {
        let direction = if skew.seconds < 0 { "behind" } else { "ahead of" };
        let by = named(skew.by.as_deref());
        cause = cause.with_evidence(format!(
            "hop {}, {by}: {} s {direction} the nearest clock that is believed",
            skew.hop,
            skew.seconds.abs()
        ));
    }
    Some(MessageFinding {
        failure: Failure::new(Code::MailUndated, format!("the delay cannot be known: {reason}")),
        cause,
    })
}
