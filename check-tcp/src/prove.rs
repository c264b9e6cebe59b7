//! `--prove`: whether a rule is there as it was asked for, beyond the one name or address that was checked.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::clock;
use netcheck_common::diagnose::trail::{Answer, Trail};
use netcheck_common::diagnose::{self, Boundary, Diagnosis, Finding};
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::net::Net;
use netcheck_common::record::Verdict;
use netcheck_common::target::{Host, Target};
use netcheck_common::tls::{Hello, Trust};
use netcheck_common::trace::{Observed, seconds};

use crate::answer::Remark;

/// What is to be proven.
#[derive(Clone, Copy, Debug, clap::ValueEnum, PartialEq, Eq)]
pub enum Rule {
    /// Any name under the zone passes, not just the one checked (tls and https)
    Wildcard,
    /// Packets get through although nothing listens there (tcp)
    Path,
    /// What the filter matches that stopped the target: name, port, address, ALPN, size (at most 24 connections)
    Filter,
}

/// What an experiment says about a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    Proven,
    Unproven,
    Blocked,
}

impl Proof {
    const fn word(self) -> &'static str {
        match self {
            Proof::Proven => "proven",
            Proof::Unproven => "unproven",
            Proof::Blocked => "blocked",
        }
    }
}

/// Shakes hands once more where the target's own name has passed, under a name nobody has listed.
pub async fn wildcard(target: &Target, net: &Net) -> Option<Remark> {
    let name = target.host.name()?;
    let mut names = Vec::new();
    net.see(|seen| names = seen.chain.as_ref().map(|chain| chain.names().to_vec()).unwrap_or_default());
    let zone = zone(name, &names);
    let host = Host::Name(random_name(net.flags().seed, zone));
    let detached = net.detached();
    let bound = net.timeout().min(net.left());
    let (word, remark) = match clock::within(bound, handshake(target, net, &detached, &host)).await {
        Some(Ok(Trust::Public)) => (Proof::Proven.word(), None),
        Some(Ok(_)) => (Proof::Unproven.word(), None),
        Some(Err(failure)) if is_cut(failure.code) && is_told(&failure, &detached, &host).await => {
            ("listed_only", Some(listed(target, &host, zone, &names, failure)))
        }
        Some(Err(_)) => (Proof::Unproven.word(), None),
        None => {
            let silence = Failure::new(Layer::TLS.timeout, format!("no answer within {}", seconds(bound)));
            ("listed_only", Some(listed(target, &host, zone, &names, silence)))
        }
    };
    net.fact("prove", "wildcard", word);
    net.fact("prove", "name", host.to_string());
    remark
}

/// Reaches the place where the target's own handshake passed, and shakes hands as `host`.
async fn handshake(target: &Target, net: &Net, detached: &Net, host: &Host) -> Result<Trust, Failure> {
    let stream = match (net.proxy_for(target), net.peer()) {
        (Some(proxy), _) => detached.through(&proxy, host, target.port()).await?,
        (None, Some(peer)) => detached.connect(&[peer.ip()], peer.port()).await?,
        (None, None) => return Err(Failure::new(Code::RouteNone, "no address was reached")),
    };
    // The silence that is judged is that of the handshake: a connection says nothing about a name.
    let hello = Hello { name: host.clone(), ..detached.as_asked(&Hello::of(target)) };
    detached.handshake(stream, &hello).await.map(|secure| secure.trust)
}

const fn is_cut(code: Code) -> bool {
    matches!(code, Code::TlsReset | Code::TlsClosed | Code::TlsTimeout | Code::ProxyDenied)
}

/// Proxies deny names they cannot resolve in the same words: a denial counts where the name has an address.
async fn is_told(failure: &Failure, detached: &Net, host: &Host) -> bool {
    if failure.code != Code::ProxyDenied {
        return true;
    }
    let bound = detached.timeout().min(detached.left());
    matches!(clock::within(bound, detached.resolve(host)).await, Some(Ok(_)))
}

/// Only names on a list pass.
fn listed(target: &Target, host: &Host, zone: &str, names: &[String], failure: Failure) -> Remark {
    let fix = format!(
        "Allow TLS over TCP {} to *.{zone} as a wildcard, not as a list of single hosts such as {}.",
        target.port(),
        target.host
    );
    let by_proxy = failure.code == Code::ProxyDenied;
    let (reason, who) =
        if by_proxy { (Reason::ProxyPolicy, Who::Proxy) } else { (Reason::SniFilter, Who::Network) };
    // A service may hang up on names it does not have; on names of its own certificate it does not.
    let serves = names.iter().any(|name| name.strip_prefix("*.") == Some(zone));
    let sure = if serves && failure.code != Code::TlsClosed { Confidence::Medium } else { Confidence::Low };
    let mut cause = Cause::new(reason, who, fix)
        .with_confidence(sure)
        .with_evidence(format!("TLS to {} passes at the same address and port", target.host))
        .with_evidence(format!("TLS to {host} ended with {}: {}", failure.code, failure.detail));
    if serves {
        cause = cause.with_evidence(format!("the service's certificate is for *.{zone}"));
    }
    let what = format!("only listed names under {zone} pass: {host} does not ({})", failure.detail);
    Remark { failure: Failure::new(failure.code, what), cause }
}

/// The zone a rule would name: the parent of a name of three or more labels, unless the service's own
/// certificate says that the wildcard lies below the name.
fn zone<'a>(name: &'a str, certificate: &[String]) -> &'a str {
    let has = |zone: &str| certificate.iter().any(|name| name.strip_prefix("*.") == Some(zone));
    match name.split_once('.') {
        Some((_, parent)) if parent.contains('.') && (has(parent) || !has(name)) => parent,
        _ => name,
    }
}

/// A name nobody has put on a list, the same for the same seed.
fn random_name(seed: u64, zone: &str) -> String {
    let mut hasher = DefaultHasher::new();
    (seed, zone).hash(&mut hasher);
    format!("netcheck-{:08x}.{zone}", hasher.finish() >> 32)
}

/// Finds out what the filter matches that stopped the target, as facts and as a sentence.
pub async fn filter(target: &Target, observed: &Observed, net: &Diagnosis) -> Option<String> {
    let filter = diagnose::filter::identify(target, observed, net).await?;
    Some(filter.note(net))
}

/// Holds how far the port's packets get against how far those of a port get that is known to be open.
pub async fn path(
    target: &Target,
    observed: &Observed,
    net: &Diagnosis,
    controls: &[SocketAddr],
) -> Option<Finding> {
    let failure = observed.failure.as_ref()?;
    let to = observed.path.peer?;
    if !matches!(failure.code, Code::TcpTimeout | Code::TcpRefused) || target.scheme.name != "tcp" {
        return None;
    }
    // The trails of the ordinary diagnosis are shared with this one: no path is walked twice.
    let ordinary = Box::pin(diagnose::explain(target, observed, net)).await;
    let sibling = net.sibling(to).await.map(|port| SocketAddr::new(to.ip(), port));
    let given = controls.iter().copied().find(|control| control.is_ipv6() == to.is_ipv6() && *control != to);
    let Some(control) = sibling.or(given) else {
        net.fact("prove", "path", Proof::Unproven.word());
        return ordinary;
    };
    let (trail, known) = tokio::join!(net.trail(to), net.trail(control));
    let proof = if failure.code == Code::TcpTimeout {
        silent(&trail, &known, control.ip() == to.ip())
    } else {
        refused(&trail, &known, ordinary.as_ref().map(|finding| &finding.cause))
    };
    net.fact("prove", "path", proof.word());
    let is = |reason| ordinary.as_ref().is_some_and(|finding| finding.cause.code == reason);
    match proof {
        Proof::Proven if failure.code == Code::TcpTimeout => Some(idle_port(target, failure, control)),
        // The control answers: whatever drops these packets, the network is not offline.
        Proof::Blocked if is(Reason::Offline) => {
            let mut finding = diagnose::dropped(target, failure, &trail, None, Boundary::Inconclusive);
            let seen = format!("packets for {control} go on beyond it and are answered");
            finding.cause = finding.cause.with_evidence(seen).with_confidence(Confidence::Medium);
            Some(finding)
        }
        _ => ordinary,
    }
}

/// Nothing listens on the port, and packets for it reach the host.
fn idle_port(target: &Target, failure: &Failure, control: SocketAddr) -> Finding {
    let fix =
        format!("Nothing: the rule lets packets to {} through, and nothing listens.", target.authority());
    let cause = Cause::new(Reason::PortIdle, Who::Service, fix)
        .with_confidence(Confidence::Medium)
        .with_evidence(failure.detail.clone())
        .with_evidence(format!(
            "packets for this port get as far as routers go towards {control}, which is open"
        ));
    Finding::with(Verdict::Degraded, cause)
}

/// Nothing came back. Where the last router of both paths is the one right before the control, nothing but the
/// far end can have dropped the packets; routers that stay silent before the control hide where that is.
/// A host that is `alive` answers a closed port by itself, so its silence proves nothing.
fn silent(port: &Trail, control: &Trail, alive: bool) -> Proof {
    let Some((end, Answer::Open)) = control.answered else { return Proof::Unproven };
    let Some((last, before)) = control.last() else { return Proof::Unproven };
    if !port.walked || port.answered.is_some() {
        return Proof::Unproven;
    }
    let Some((reached, router)) = port.last() else { return Proof::Blocked };
    if reached >= end || (router == before && last + 1 == end && !alive) {
        return Proof::Proven;
    }
    if control.at(reached) == Some(router) && last > reached { Proof::Blocked } else { Proof::Unproven }
}

/// Who refuses shows by the distance of the refusal, which the ordinary diagnosis has weighed; where it had no
/// open port to weigh it against, by whether only packets draw it that get as far as the control is.
fn refused(port: &Trail, control: &Trail, ordinary: Option<&Cause>) -> Proof {
    let Some(cause) = ordinary else { return Proof::Unproven };
    if matches!(cause.code, Reason::FirewallReject | Reason::LocalFirewall) {
        return Proof::Blocked;
    }
    let as_far = match (port.answered, control.answered) {
        (Some((out, _)), Some((end, Answer::Open))) => out >= end,
        _ => false,
    };
    let idle = cause.code == Reason::PortIdle && (cause.confidence >= Confidence::Medium || as_far);
    if idle { Proof::Proven } else { Proof::Unproven }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail(hops: &[u8], answered: Option<u8>) -> Trail {
        let hops = hops.iter().map(|ttl| (*ttl, [10, 0, 0, *ttl].into())).collect();
        Trail {
            hops,
            answered: answered.map(|ttl| (ttl, Answer::Open)),
            walked: true,
            blind: false,
            echo: None,
        }
    }

    #[test]
    fn silence_after_the_last_router_before_the_control_is_proof() {
        assert_eq!(silent(&trail(&[1, 2, 3], None), &trail(&[1, 2, 3], Some(4)), false), Proof::Proven);
    }

    #[test]
    fn silence_before_a_router_that_the_control_passes_is_a_block() {
        assert_eq!(silent(&trail(&[1], None), &trail(&[1, 2, 3], Some(4)), false), Proof::Blocked);
        assert_eq!(silent(&trail(&[], None), &trail(&[1, 2, 3], Some(4)), false), Proof::Blocked);
    }

    #[test]
    fn routers_that_stay_silent_before_the_control_leave_it_unproven() {
        assert_eq!(silent(&trail(&[1], None), &trail(&[1], Some(9)), false), Proof::Unproven);
    }

    #[test]
    fn silence_of_a_host_that_answers_elsewhere_is_no_proof() {
        assert_eq!(silent(&trail(&[1, 2], None), &trail(&[1, 2], Some(3)), true), Proof::Unproven);
    }

    #[test]
    fn a_control_that_is_not_open_proves_nothing() {
        assert_eq!(silent(&trail(&[1, 2], None), &trail(&[1, 2], None), false), Proof::Unproven);
    }

    #[test]
    fn a_refusal_is_proof_from_as_far_away_as_the_control_only() {
        let idle = Cause::new(Reason::PortIdle, Who::Service, "");
        let control = trail(&[1, 2], Some(3));
        assert_eq!(refused(&trail(&[1, 2], Some(3)), &control, Some(&idle)), Proof::Proven);
        assert_eq!(refused(&trail(&[1], Some(2)), &control, Some(&idle)), Proof::Unproven);
        let reject = Cause::new(Reason::FirewallReject, Who::Network, "");
        assert_eq!(refused(&trail(&[1, 2], Some(3)), &control, Some(&reject)), Proof::Blocked);
    }

    #[test]
    fn the_zone_is_the_parent_unless_the_certificate_says_otherwise() {
        assert_eq!(zone("www.spotme.com", &[]), "spotme.com");
        assert_eq!(zone("install.events", &[]), "install.events");
        assert_eq!(zone("shop.co.uk", &["shop.co.uk".into(), "*.shop.co.uk".into()]), "shop.co.uk");
    }

    #[test]
    fn the_random_name_is_the_same_for_the_same_seed_only() {
        assert_eq!(random_name(1, "spotme.com"), random_name(1, "spotme.com"));
        assert_ne!(random_name(1, "spotme.com"), random_name(2, "spotme.com"));
    }
}
