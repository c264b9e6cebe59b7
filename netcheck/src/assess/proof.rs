//! The best-proven member speaks for all that are compatible with it: a guess never stands beside a proof of the same thing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

use netcheck_record::cause::{Confidence, Reason, Who};
use netcheck_record::failure::Code;
use netcheck_record::record::Verdict;

use super::{host_place, interception};
use crate::records::{CauseKey, Observation};

/// How near a guess is to a proof, the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shared {
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
    codes: BTreeMap<Option<Code>, usize>,
    members: usize,
}

/// Gives every guess the cause of the proof that explains it.
pub(super) fn apply(observations: &mut [Observation]) {
    host_place::apply(observations);
    default_deny(observations);
    interception::apply(observations);
    for round in [Confidence::Medium, Confidence::High] {
        let proofs = proofs(observations, round);
        for observation in
            observations.iter_mut().filter(|one| !one.usable() || one.verdict == Verdict::Degraded)
        {
            let candidates =
                proofs.iter().filter_map(|proof| Some((nearest_shared(proof, observation)?, proof)));
            let best = candidates.min_by_key(|(shared, proof)| {
                (
                    *shared,
                    std::cmp::Reverse(proof.cause.confidence),
                    std::cmp::Reverse(proof.members),
                    Rc::clone(&proof.cause),
                )
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
        let Some(cause) = observation.cause.as_ref().filter(|cause| cause.reason != Reason::Unknown) else {
            continue;
        };
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
        count(&mut proof.hosts, observation.endpoint.host());
        count(&mut proof.requirements, &observation.labels.requirement);
        *proof.ports.entry(observation.port()).or_default() += 1;
        *proof.codes.entry(observation.code).or_default() += 1;
    }
    proofs.into_values().collect()
}

/// How near an observation is to a proof that explains it; `None` when it does not.
fn nearest_shared(proof: &Proof, observation: &Observation) -> Option<Shared> {
    let reach = explains(proof, observation)?;
    let shared = if proof.hosts.contains_key(observation.endpoint.host()) {
        Shared::Host
    } else if proof.requirements.contains_key(&observation.labels.requirement) {
        Shared::Requirement
    } else if proof.ports.contains_key(&observation.port()) {
        Shared::Port
    } else {
        Shared::Run
    };
    (shared <= reach).then_some(shared)
}

/// From how far a proof explains an observation that is a guess beside it.
fn explains(proof: &Proof, observation: &Observation) -> Option<Shared> {
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
    let repeated = own == cause.reason && placeless && cause.near.is_some();
    match cause.reason {
        // What this machine refuses leaves no trace on the path.
        Reason::LocalFirewall => {
            let path =
                matches!(own, Reason::Unknown | Reason::FirewallDrop | Reason::UdpBlocked | Reason::Offline);
            let stopped = observation.silent() || observation.layer() == "route";
            (path && placeless && stopped && !above_tcp).then_some(Shared::Port)
        }
        Reason::MtuBlackhole | Reason::LargeHello => {
            let guess = unknown || (low && own != cause.reason);
            (guess && above_tcp && observation.silent()).then_some(Shared::Run)
        }
        // A socket of this machine is what a measurement of distance takes for a device one hop away.
        Reason::LocalAgent => {
            let taken_for_a_device =
                own == Reason::TransparentProxy && observation.confidence() < Some(Confidence::High);
            let guess = (unknown && same_code) || taken_for_a_device || repeated;
            (guess || fake_address(proof, observation)).then_some(Shared::Port)
        }
        Reason::TransparentProxy if fake_address(proof, observation) => Some(Shared::Requirement),
        Reason::TransparentProxy | Reason::CaptivePortal | Reason::TlsInspection | Reason::BlockPage => {
            let guess = unknown || (low && own != cause.reason);
            match same_code {
                true => (guess && above_tcp).then_some(Shared::Run),
                false => (guess && above_tcp).then_some(Shared::Requirement),
            }
        }
        Reason::FirewallDrop | Reason::UdpBlocked => {
            let guess = unknown || repeated;
            let same_transport = proof.codes.keys().flatten().any(|code| code.layer() == observation.layer());
            (guess && observation.silent() && same_transport).then_some(Shared::Requirement)
        }
        Reason::FirewallReject => {
            let guess = unknown || repeated || (own == Reason::PortIdle && low);
            // Devices limit how many refusals they send; the rest of the connections times out.
            let unanswered = own == Reason::FirewallDrop && low && observation.silent();
            match unanswered {
                true => Some(Shared::Host),
                false => (guess && same_code).then_some(Shared::Requirement),
            }
        }
        // What filters by name filters the Host header as it does the SNI.
        Reason::SniFilter => {
            let by_host = own == Reason::ProtocolFilter && observation.layer() == "http" && placeless;
            (by_host || (unknown && same_code) || repeated).then_some(Shared::Requirement)
        }
        Reason::ProxyAuth
        | Reason::ProxyDown
        | Reason::ProxyTicket
        | Reason::ProxySpn
        | Reason::ProxyKeytab => {
            (unknown && observation.layer() == "proxy" && same_code).then_some(Shared::Run)
        }
        Reason::DnsOutage | Reason::DnsFilter | Reason::DnsHijack => {
            let guess = unknown || (low && own != cause.reason);
            // A sender's records that do not fit an address of the resolver's own.
            let sender = low && own == Reason::SenderIdentity && cause.reason == Reason::DnsHijack;
            ((guess && observation.layer() == "dns" && same_code) || sender).then_some(Shared::Run)
        }
        Reason::ServiceDown | Reason::ServiceMisconfigured | Reason::ServiceRefused | Reason::PortIdle => {
            None
        }
        // The same device, of which a single target does not show that it is none of the service's.
        Reason::ProtocolFilter if own == cause.reason && observation.near() == cause.near => {
            let who = observation.cause.as_ref().map(|cause| cause.who);
            (who == Some(Who::Unknown) && cause.who != Who::Unknown).then_some(Shared::Port)
        }
        Reason::Offline
        | Reason::ProtocolFilter
        | Reason::ProxyPolicy
        | Reason::WebsocketFilter
        | Reason::IdleTimeout
        | Reason::LossyPath
        | Reason::ClockSkew
        | Reason::Ipv6Broken
        | Reason::NatRewrite
        | Reason::MailGateway
        | Reason::SenderIdentity
        | Reason::NatRebinding
        | Reason::ProxyUpstream
        | Reason::ThinLine
        | Reason::ProxyScheme
        | Reason::ProxyPac
        | Reason::KdcUnreachable
        | Reason::Unknown => ((unknown && same_code) || repeated).then_some(Shared::Requirement),
    }
}

/// An agent that answers with addresses of its own, and does not carry all of them.
fn fake_address(proof: &Proof, observation: &Observation) -> bool {
    let guess = observation.reason() == Some(Reason::DnsHijack)
        && observation.confidence() <= Some(Confidence::Low)
        && observation.code == Some(Code::DnsBogon);
    guess && proof.codes.contains_key(&observation.code)
}

/// A firewall that drops every port but the web's drops UDP for the same reason.
fn default_deny(observations: &mut [Observation]) {
    let other_tcp = |one: &&Observation| {
        one.direct() && one.endpoint.transport() == "TCP" && !matches!(one.port(), None | Some(80 | 443))
    };
    let drop = |one: &Observation| one.reason() == Some(Reason::FirewallDrop) && !one.usable();
    let tried: Vec<&Observation> = observations.iter().filter(other_tcp).collect();
    let requirements: BTreeSet<&str> = tried.iter().map(|one| one.labels.requirement.as_str()).collect();
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
