//! One reason for everything: a portal before all, no network, no resolver, a proxy that lets nobody through.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netcheck_record::cause::{Confidence, Reason, Who};
use netcheck_record::failure::Code;
use netcheck_record::record::Verdict;

use super::reconcile::change;
use crate::records::{CauseKey, Observation};

/// Failures that mean a missing way out where no tool inferred a cause.
const SIGNS: [(Reason, &[Code]); 4] = [
    (Reason::Offline, &[Code::RouteNone]),
    (Reason::DnsOutage, &[Code::DnsTimeout, Code::DnsUnreachable]),
    (Reason::ProxyDown, &[Code::ProxyUnreachable, Code::ProxyTimeout]),
    (Reason::ProxyAuth, &[Code::ProxyAuthRequired, Code::ProxyAuthRefused, Code::ProxyAuthImpossible]),
];

/// Gives everything that does not work its one reason, where there is one; what was seen of names alone is then not known.
pub(super) fn apply(observations: &mut [Observation]) -> Option<Reason> {
    let cause = find(observations)?;
    for observation in observations.iter_mut() {
        if says_nothing_of_the_network(observation) {
            continue;
        }
        let evidence = match observation.usable() {
            true => "names were resolved, and nothing else was reached in the same run",
            false if observation.reason() == Some(cause.reason) => continue,
            false => "nothing else was reached in the same run",
        };
        if observation.usable() {
            observation.verdict = Verdict::Inconclusive;
        }
        let confidence = observation.confidence().unwrap_or(Confidence::Low).min(Confidence::Medium);
        change(observation, CauseKey { confidence, ..cause.clone() }, evidence.to_owned());
    }
    Some(cause.reason)
}

/// The one reason for everything.
fn find(observations: &[Observation]) -> Option<CauseKey> {
    let said: Vec<&Observation> = observations
        .iter()
        .filter(|one| !(says_nothing_of_the_network(one) || needs_only_names(one) && one.usable()))
        .collect();
    if said.is_empty() || said.iter().any(|one| one.usable()) {
        return None;
    }
    portal(&said).or_else(|| diverted(&said)).or_else(|| way_out(&said)).or_else(|| no_address(&said))
}

/// A portal that a control proved: what else is blocked shows after the log-in.
fn portal(said: &[&Observation]) -> Option<CauseKey> {
    let proven = |one: &&&Observation| {
        one.reason() == Some(Reason::CaptivePortal) && one.confidence() == Some(Confidence::High)
    };
    said.iter().find(proven)?.cause.as_deref().cloned()
}

/// A resolver that gives an address of the network's own for every name, a control's too: what portals do.
fn diverted(said: &[&Observation]) -> Option<CauseKey> {
    let own =
        |one: &&&Observation| one.code == Some(Code::DnsBogon) && one.reason() == Some(Reason::DnsHijack);
    let names = |one: &&Observation| one.endpoint.scheme() != "sender";
    let asked: Vec<&&Observation> = said.iter().filter(|one| names(one)).collect();
    let hosts: BTreeSet<&str> = asked.iter().map(|one| one.endpoint.host()).collect();
    let first = asked.first()?;
    (hosts.len() > 1 && asked.iter().all(own)).then(|| first.cause.as_deref().cloned())?
}

/// No way out: no network, no resolver, or a proxy that lets nobody through.
fn way_out(said: &[&Observation]) -> Option<CauseKey> {
    let behind_proxy = said.iter().any(|one| outage_sign(one).is_some_and(of_proxy));
    let telling = said.iter().filter(|one| !fits_outage(one, behind_proxy));
    let signs: BTreeSet<Reason> = telling.map(|one| outage_sign(one)).collect::<Option<_>>()?;
    // Where a proxy is the only way out, what does not use it finds no network at all.
    let reason =
        signs.iter().copied().find(|reason| of_proxy(*reason)).or_else(|| {
            [Reason::Offline, Reason::DnsOutage].into_iter().find(|reason| signs.contains(reason))
        })?;
    let shown: Vec<&CauseKey> =
        said.iter().filter_map(|one| one.cause.as_deref()).filter(|cause| cause.reason == reason).collect();
    let best = shown.iter().max_by_key(|cause| (cause.confidence, cause.near.is_some()));
    Some(match best {
        Some(cause) => CauseKey { near: common_place(&shown), ..(*cause).clone() },
        None => CauseKey {
            reason,
            who: responsible(reason),
            confidence: Confidence::Medium,
            near: None,
            action: None,
        },
    })
}

/// Whose matter a missing way out is.
fn responsible(reason: Reason) -> Who {
    if reason == Reason::Offline {
        Who::Local
    } else if reason == Reason::DnsOutage {
        Who::Dns
    } else {
        Who::Proxy
    }
}

/// The place that most of them name.
fn common_place(causes: &[&CauseKey]) -> Option<IpAddr> {
    let places: Vec<IpAddr> = causes.iter().filter_map(|cause| cause.near).collect();
    let count = |place: &IpAddr| places.iter().filter(|other| *other == place).count();
    let known: BTreeSet<IpAddr> = places.iter().copied().collect();
    known.into_iter().max_by_key(|place| (count(place), std::cmp::Reverse(*place)))
}

/// A resolver that answers, and gives no address: neither for the platform nor for a control.
fn no_address(said: &[&Observation]) -> Option<CauseKey> {
    let unresolved = |one: &&Observation| one.layer() == "dns" && one.code != Some(Code::DnsBogon);
    if !said.iter().all(unresolved) {
        return None;
    }
    let shown = said.iter().filter_map(|one| one.cause.as_deref());
    let best = shown.filter(|cause| cause.reason != Reason::Unknown).max_by_key(|cause| cause.confidence);
    Some(best.cloned().unwrap_or(CauseKey {
        reason: Reason::DnsOutage,
        who: Who::Dns,
        confidence: Confidence::Medium,
        near: None,
        action: None,
    }))
}

/// Records that say nothing about a network either way.
fn says_nothing_of_the_network(observation: &Observation) -> bool {
    matches!(observation.code, Some(Code::InputInvalid | Code::IcmpNotPermitted | Code::Internal))
}

/// Whether a target is proven by DNS records alone (`sender://`): a resolver's cache may hold them after the network is gone.
fn needs_only_names(observation: &Observation) -> bool {
    observation.endpoint.scheme() == "sender"
}

/// Silence that fits an outage as well: beside one, a cause inferred from missing answers says nothing of its own.
fn fits_outage(observation: &Observation, behind_proxy: bool) -> bool {
    let inferred = observation.cause.as_ref().is_some_and(|cause| {
        cause.reason == Reason::LocalFirewall && cause.confidence < Confidence::High && cause.near.is_none()
    });
    let direct = behind_proxy
        && !observation.proxied()
        && (observation.silent() || matches!(observation.layer(), "dns" | "route"));
    direct || (observation.silent() && inferred)
}

/// Whether a cause is about the proxy as such.
fn of_proxy(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ProxyDown
            | Reason::ProxyUpstream
            | Reason::ProxyAuth
            | Reason::ProxyTicket
            | Reason::ProxySpn
            | Reason::ProxyKeytab
            | Reason::ProxyScheme
            | Reason::KdcUnreachable
    )
}

/// What an observation says of the way out; `None` when it says that there is one.
fn outage_sign(observation: &Observation) -> Option<Reason> {
    let reason = observation.reason().unwrap_or(Reason::Unknown);
    if of_proxy(reason) || matches!(reason, Reason::Offline | Reason::DnsOutage) {
        // A device that asks web requests alone for credentials is no way out.
        return (reason != Reason::ProxyAuth || observation.proxied()).then_some(reason);
    }
    if reason != Reason::Unknown {
        return None;
    }
    let code = observation.code?;
    SIGNS.iter().find(|(_, codes)| codes.contains(&code)).map(|(reason, _)| *reason)
}
