//! The best-proven member speaks for all that are compatible with it: a guess never stands beside a proof of the same thing.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

use netcheck_record::cause::{Confidence, Reason, Who};
use netcheck_record::record::Verdict;

use crate::records::{CauseKey, Observation};
use crate::target;

/// How near a guess is to a proof, the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kinship {
    Host,
    Requirement,
    Port,
    Run,
}

/// A cause that some observations prove, and where it was seen.
#[derive(Debug)]
struct Proof {
    cause: Rc<CauseKey>,
    hosts: BTreeMap<String, usize>,
    requirements: BTreeMap<String, usize>,
    ports: BTreeMap<Option<u16>, usize>,
    codes: BTreeMap<Option<netcheck_record::failure::Code>, usize>,
    members: usize,
}

/// Gives every guess the cause of the proof that explains it.
pub(super) fn apply(observations: &mut [Observation]) {
    one_place_a_host(observations);
    default_deny(observations);
    for round in [Confidence::Medium, Confidence::High] {
        let proofs = proofs(observations, round);
        for observation in observations.iter_mut().filter(|one| !one.usable() || one.verdict == Verdict::Degraded) {
            let candidates = proofs.iter().filter_map(|proof| Some((kinship(proof, observation)?, proof)));
            let best = candidates.min_by_key(|(kinship, proof)| {
                (*kinship, std::cmp::Reverse(proof.cause.confidence), std::cmp::Reverse(proof.members), Rc::clone(&proof.cause))
            });
            if let Some((_, proof)) = best {
                // The evidence is the proof's.
                observation.cause = Some(Rc::clone(&proof.cause));
                observation.detail = None;
            }
        }
    }
}

/// What is proven with at least that confidence, by cause and place.
fn proofs(observations: &[Observation], least: Confidence) -> Vec<Proof> {
    let mut proofs: BTreeMap<(Reason, Who, Option<IpAddr>), Proof> = BTreeMap::new();
    let shown = |one: &&Observation| one.verdict != Verdict::Pass && one.confidence() >= Some(least);
    for observation in observations.iter().filter(shown) {
        let Some(cause) = observation.cause.as_ref().filter(|cause| cause.reason != Reason::Unknown) else { continue };
        let proof = proofs.entry((cause.reason, cause.who, cause.near)).or_insert_with(|| Proof {
            cause: Rc::clone(cause),
            hosts: BTreeMap::new(),
            requirements: BTreeMap::new(),
            ports: BTreeMap::new(),
            codes: BTreeMap::new(),
            members: 0,
        });
        if cause.confidence > proof.cause.confidence {
            proof.cause = Rc::clone(cause);
        }
        proof.members += 1;
        let count = |known: &mut BTreeMap<String, usize>, name: &str| match known.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(known.insert(name.to_owned(), 1)),
        };
        count(&mut proof.hosts, &observation.endpoint.host);
        count(&mut proof.requirements, &observation.labels.requirement);
        *proof.ports.entry(observation.port).or_default() += 1;
        *proof.codes.entry(observation.code).or_default() += 1;
    }
    proofs.into_values().collect()
}

/// How near an observation is to a proof that explains it; `None` when it does not.
fn kinship(proof: &Proof, observation: &Observation) -> Option<Kinship> {
    let reach = explains(proof, observation)?;
    let kinship = if proof.hosts.contains_key(&observation.endpoint.host) {
        Kinship::Host
    } else if proof.requirements.contains_key(&observation.labels.requirement) {
        Kinship::Requirement
    } else if proof.ports.contains_key(&observation.port) {
        Kinship::Port
    } else {
        Kinship::Run
    };
    (kinship <= reach).then_some(kinship)
}

/// From how far a proof explains an observation that is a guess beside it.
fn explains(proof: &Proof, observation: &Observation) -> Option<Kinship> {
    let own = observation.reason().unwrap_or(Reason::Unknown);
    let unknown = own == Reason::Unknown;
    let low = observation.confidence() <= Some(Confidence::Low);
    let placeless = observation.near().is_none();
    let above_tcp = matches!(observation.layer(), "tls" | "http" | "ws" | "rtmp" | "push" | "smtp" | "quic");
    let same_code = proof.codes.contains_key(&observation.code);
    if observation.verdict == Verdict::Degraded && !(unknown || low) {
        return None;
    }
    let cause = &proof.cause;
    match cause.reason {
        // What this machine refuses leaves no trace on the path.
        Reason::LocalFirewall => {
            let path = matches!(own, Reason::Unknown | Reason::FirewallDrop | Reason::UdpBlocked | Reason::Offline);
            let stopped = observation.silent() || observation.layer() == "route";
            (path && placeless && stopped && !above_tcp).then_some(Kinship::Port)
        }
        Reason::MtuBlackhole | Reason::LargeHello => {
            let guess = unknown || (low && own != cause.reason);
            (guess && above_tcp && observation.silent()).then_some(Kinship::Run)
        }
        Reason::TransparentProxy | Reason::CaptivePortal | Reason::TlsInspection | Reason::BlockPage => {
            let guess = unknown || (low && own != cause.reason);
            match same_code {
                true => (guess && above_tcp).then_some(Kinship::Run),
                false => (guess && above_tcp).then_some(Kinship::Requirement),
            }
        }
        Reason::FirewallDrop | Reason::UdpBlocked => {
            let placed = cause.near.is_some();
            let guess = unknown || (own == cause.reason && placeless && placed);
            let same_transport = proof.codes.keys().flatten().any(|code| code.layer() == observation.layer());
            (guess && observation.silent() && same_transport).then_some(Kinship::Requirement)
        }
        Reason::FirewallReject => {
            let guess = unknown || (own == cause.reason && placeless && cause.near.is_some()) || (own == Reason::PortIdle && low);
            (guess && same_code).then_some(Kinship::Requirement)
        }
        Reason::ProxyAuth | Reason::ProxyDown | Reason::ProxyTicket | Reason::ProxySpn | Reason::ProxyKeytab => {
            (unknown && observation.layer() == "proxy" && same_code).then_some(Kinship::Run)
        }
        Reason::DnsOutage | Reason::DnsFilter | Reason::DnsHijack => {
            let guess = unknown || (low && own != cause.reason);
            (guess && observation.layer() == "dns" && same_code).then_some(Kinship::Run)
        }
        Reason::ServiceDown | Reason::ServiceMisconfigured | Reason::ServiceRefused | Reason::PortIdle => None,
        _ => (unknown && same_code).then_some(Kinship::Requirement),
    }
}

/// One host's silence has one place: what the best-proven of its targets say, and the most of those.
fn one_place_a_host(observations: &mut [Observation]) {
    type Votes = BTreeMap<(Confidence, Option<IpAddr>), usize>;
    let silent = |one: &Observation| {
        !one.usable() && matches!(one.reason(), Some(Reason::FirewallDrop | Reason::UdpBlocked | Reason::ProtocolFilter))
    };
    let mut hosts: BTreeMap<(String, Reason), Votes> = BTreeMap::new();
    for observation in observations.iter().filter(|one| silent(one)) {
        if let (Some(reason), Some(confidence), near @ Some(_)) =
            (observation.reason(), observation.confidence(), observation.near())
        {
            let votes = hosts.entry((observation.endpoint.host.clone(), reason)).or_default();
            *votes.entry((confidence, near)).or_default() += 1;
        }
    }
    let place = |votes: &Votes| {
        let best = votes.keys().map(|(confidence, _)| *confidence).max()?;
        let of_best = votes.iter().filter(|((confidence, _), _)| *confidence == best);
        of_best.max_by_key(|((_, near), count)| (**count, std::cmp::Reverse(*near))).and_then(|((_, near), _)| *near)
    };
    let places: BTreeMap<(String, Reason), Option<IpAddr>> =
        hosts.iter().map(|(key, votes)| (key.clone(), place(votes))).collect();
    for observation in observations.iter_mut().filter(|one| silent(one)) {
        let Some(cause) = observation.cause.clone() else { continue };
        let key = (observation.endpoint.host.clone(), cause.reason);
        if let Some(near @ Some(_)) = places.get(&key).copied()
            && cause.near != near
        {
            observation.cause = Some(Rc::new(CauseKey { near, ..(*cause).clone() }));
        }
    }
}

/// A firewall that drops every port but the web's drops UDP for the same reason.
fn default_deny(observations: &mut [Observation]) {
    let other_tcp = |one: &&Observation| {
        one.direct() && target::transport(&one.endpoint.scheme) == "TCP" && !matches!(one.port, None | Some(80 | 443))
    };
    let drop = |one: &Observation| one.reason() == Some(Reason::FirewallDrop) && !one.usable();
    let tried: Vec<&Observation> = observations.iter().filter(other_tcp).collect();
    let requirements: std::collections::BTreeSet<&str> =
        tried.iter().map(|one| one.labels.requirement.as_str()).collect();
    let Some(cause) = tried.iter().find(|one| drop(one)).and_then(|one| one.cause.clone()) else { return };
    if requirements.len() < 2 || !tried.iter().all(|one| drop(one) && one.near() == cause.near) {
        return;
    }
    let udp = |one: &&mut Observation| {
        one.reason() == Some(Reason::UdpBlocked) && one.near() == cause.near && !one.usable()
    };
    for observation in observations.iter_mut().filter(udp) {
        let confidence = observation.confidence().unwrap_or(cause.confidence);
        observation.cause = Some(Rc::new(CauseKey { confidence, ..(*cause).clone() }));
    }
}
