//! The diagnosis of a media ladder: the rung whose failure is explained, as a target of its own.

use netcheck_common::cause::{Cause, Reason, Who};
use netcheck_common::diagnose::{Finding, fix};
use netcheck_common::fix::{Destination, Fix};
use netcheck_common::scheme::Scheme;
use netcheck_common::target::Target;
use netcheck_common::trace::Observed;

use crate::facts::{Facts, RungFacts};
use crate::transport::{Rung, Transport};

/// The best rung that failed, as a target, with what was observed of it; `None` for targets that are no ladder.
pub fn first_failure(target: &Target, facts: &Facts, observed: &Observed) -> Option<(Target, Observed)> {
    let (rung, failure, at) = facts.ladder.iter().find_map(|rung| {
        let (known, at) = rung.tried?;
        Some((known, rung.observed.clone()?, at))
    })?;
    let mut path = observed.path.clone();
    path.peer = Some(at);
    let observed =
        Observed { failure: Some(failure), stages: observed.stages.clone(), degraded: Vec::new(), path };
    Some((as_target(target, rung)?, observed))
}

fn as_target(target: &Target, rung: Rung) -> Option<Target> {
    let (scheme, path) = match rung.transport {
        Transport::Udp => ("turn", ""),
        Transport::Tcp => ("turn", "?transport=tcp"),
        Transport::Tls => ("turns", ""),
    };
    let scheme = Scheme::named(scheme)?;
    Some(Target { scheme, port: Some(rung.port), path: path.to_owned(), ..target.clone() })
}

/// The cause of a rung that no rule explains.
pub fn unexplained(rung: &Target, observed: &Observed) -> Cause {
    let detail = observed.failure.as_ref().map(|failure| failure.detail.clone());
    let cause = Cause::new(Reason::Unknown, Who::Unknown, fix::allow(rung));
    cause.with_evidence(detail.unwrap_or_default())
}

/// The finding of a rung, as one of the whole ladder.
pub fn concluded(target: &Target, facts: &Facts, mut finding: Finding) -> Finding {
    let Some(best) = &facts.best_transport else { return finding };
    finding.verdict = None;
    finding.cause = finding.cause.with_evidence(format!("the same server answers on {best}"));
    // Media works over TCP, which waits for every lost packet: what would be better is all of its UDP.
    let ports: Vec<String> = facts.ladder.iter().filter_map(udp_port).collect();
    let destination = Destination { ports: Some(ports.join(",")), ..Destination::of(target) };
    finding.cause = finding.cause.with_fix(Fix::Allow { destination, on_this_machine: false });
    finding
}

/// The TCP port of a rung that works.
pub fn stream_port(facts: &Facts) -> Option<u16> {
    let works = facts.ladder.iter().filter(|rung| rung.ok).filter_map(|rung| rung.tried);
    works.map(|(rung, _)| rung).find(|rung| rung.transport != Transport::Udp).map(|rung| rung.port)
}

fn udp_port(rung: &RungFacts) -> Option<String> {
    let (rung, _) = rung.tried.filter(|(rung, _)| rung.transport == Transport::Udp)?;
    Some(rung.port.to_string())
}
