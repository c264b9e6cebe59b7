//! A gateway that opens TLS is one device, whatever its slowness or its filters make of single connections.

use std::collections::BTreeSet;
use std::rc::Rc;

use netcheck_record::cause::{Confidence, Reason};
use netcheck_record::record::Verdict;

use crate::ports;
use crate::records::{CauseKey, Observation};

/// A requirement, and a range of ports that were tested side by side.
type Takeover = (String, (u16, u16));

/// Gives one cause to everything that an interception does.
pub(super) fn apply(observations: &mut [Observation]) {
    let Some(opened) = proven(observations, Reason::TlsInspection) else { return };
    // A block page inside intercepted TLS is what the gateway opens it for.
    let page = proven(observations, Reason::BlockPage);
    let taken_over = taken_over(observations, &opened);
    let device = page.as_ref().unwrap_or(&opened);
    for observation in observations.iter_mut().filter(|one| one.verdict != Verdict::Pass) {
        match effect(observation, &opened, &taken_over) {
            Some(Effect::Opened) => {
                if let Some(page) = &page {
                    observation.cause = Some(Rc::clone(page));
                }
            }
            Some(Effect::Filtered) => observation.cause = Some(Rc::clone(device)),
            Some(Effect::Unanswered) => {
                observation.cause = Some(Rc::clone(device));
                observation.detail = None;
            }
            None => {}
        }
    }
}

/// What an interception does to a connection.
enum Effect {
    /// It shows itself, and lets pass what is inside.
    Opened,
    /// It takes something away that is inside.
    Filtered,
    /// It accepts the connection and answers too late, or never.
    Unanswered,
}

fn effect(observation: &Observation, opened: &CauseKey, taken_over: &BTreeSet<Takeover>) -> Option<Effect> {
    let above_tcp = matches!(observation.layer(), "tls" | "rtmp" | "ws" | "http");
    match observation.reason().unwrap_or(Reason::Unknown) {
        Reason::TlsInspection => Some(Effect::Opened),
        Reason::WebsocketFilter => intercepted(observation).then_some(Effect::Filtered),
        Reason::TransparentProxy => above_tcp.then_some(Effect::Unanswered),
        // What should die at the first hop is accepted there: the experiment for a local firewall draws no answer.
        Reason::LocalFirewall | Reason::FirewallDrop | Reason::SniFilter | Reason::ProtocolFilter => {
            let unproven = observation.confidence() < Some(Confidence::High);
            let here = observation.near().is_none() || observation.near() == opened.near && above_tcp;
            let beside = beside(observation, taken_over);
            (observation.silent() && unproven && here && beside).then_some(Effect::Unanswered)
        }
        Reason::FirewallReject
        | Reason::Offline
        | Reason::DnsFilter
        | Reason::DnsHijack
        | Reason::DnsOutage
        | Reason::CaptivePortal
        | Reason::BlockPage
        | Reason::ProxyAuth
        | Reason::ProxyPolicy
        | Reason::ProxyDown
        | Reason::IdleTimeout
        | Reason::UdpBlocked
        | Reason::MtuBlackhole
        | Reason::LossyPath
        | Reason::ClockSkew
        | Reason::Ipv6Broken
        | Reason::NatRewrite
        | Reason::ServiceDown
        | Reason::ServiceMisconfigured
        | Reason::PortIdle
        | Reason::MailGateway
        | Reason::SenderIdentity
        | Reason::ServiceRefused
        | Reason::LargeHello
        | Reason::LocalAgent
        | Reason::NatRebinding
        | Reason::ProxyUpstream
        | Reason::ThinLine
        | Reason::ProxyTicket
        | Reason::ProxySpn
        | Reason::ProxyKeytab
        | Reason::ProxyScheme
        | Reason::ProxyPac
        | Reason::KdcUnreachable
        | Reason::Unknown => None,
    }
}

/// The best-proven cause of that kind among intercepted connections.
fn proven(observations: &[Observation], reason: Reason) -> Option<Rc<CauseKey>> {
    observations
        .iter()
        .filter(|one| one.reason() == Some(reason) && intercepted(one))
        .filter_map(|one| one.cause.clone())
        .max()
}

/// Whether a certificate was shown that the public does not vouch for.
fn intercepted(observation: &Observation) -> bool {
    let marks = observation.marks.as_ref();
    marks.and_then(|marks| marks.trust.as_deref()).is_some_and(|trust| trust != "public")
}

/// The ranges of ports, tested side by side, of which the device was seen to open at least one.
fn taken_over(observations: &[Observation], opened: &CauseKey) -> BTreeSet<Takeover> {
    let requirement = |one: &Observation| one.labels.requirement.clone();
    let by_device = |one: &&Observation| one.reason() == Some(opened.reason) && intercepted(one);
    let touched: BTreeSet<String> = observations.iter().filter(by_device).map(requirement).collect();
    let mut ranges = BTreeSet::new();
    for name in touched {
        let own = || observations.iter().filter(|one| one.labels.requirement == name);
        for (first, last) in ports::ranges(own().filter_map(|one| one.port()).collect()) {
            let inside = |one: &&Observation| one.port().is_some_and(|port| (first..=last).contains(&port));
            if own().filter(inside).any(|one| by_device(&one)) {
                ranges.insert((name.clone(), (first, last)));
            }
        }
    }
    ranges
}

/// Whether a target is in one of these ranges.
fn beside(observation: &Observation, taken_over: &BTreeSet<Takeover>) -> bool {
    let holds = |(requirement, (first, last)): &Takeover| {
        *requirement == observation.labels.requirement
            && observation.port().is_some_and(|port| (*first..=*last).contains(&port))
    };
    taken_over.iter().any(holds)
}
