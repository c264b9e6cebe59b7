//! One host's silence has one place, however many of its ports measured it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

use netcheck_record::cause::{Confidence, Reason};

use crate::records::{CauseKey, Observation};

/// A requirement, a host of it, and why it is silent.
type HostKey<'a> = (&'a str, &'a str, Reason);
/// How many name each place, by how sure they are.
type Votes = BTreeMap<(Confidence, IpAddr), usize>;
/// Ports and the place that each names.
type PortPlaces = Vec<(Option<u16>, Option<IpAddr>)>;

/// Gives the silent targets of each host the place that the best-proven of them name.
pub(super) fn apply(observations: &mut [Observation]) {
    let places = places(observations);
    for (at, near) in places {
        if let Some(cause) = &observations[at].cause
            && cause.near != Some(near)
        {
            observations[at].cause = Some(Rc::new(CauseKey { near: Some(near), ..(**cause).clone() }));
        }
    }
}

/// The place of each silent target, by its position.
fn places(observations: &[Observation]) -> Vec<(usize, IpAddr)> {
    let mut hosts: BTreeMap<HostKey, (Votes, PortPlaces)> = BTreeMap::new();
    let mut everywhere: BTreeMap<(&str, Reason, IpAddr), usize> = BTreeMap::new();
    let mut silent: Vec<(usize, HostKey)> = Vec::new();
    for (at, observation) in observations.iter().enumerate() {
        let Some(key) = key(observation) else { continue };
        silent.push((at, key));
        if let (Some(confidence), Some(near)) = (observation.confidence(), observation.near()) {
            let (votes, ports) = hosts.entry(key).or_default();
            *votes.entry((confidence, near)).or_default() += 1;
            ports.push((observation.port(), Some(near)));
            *everywhere.entry((key.0, key.2, near)).or_default() += 1;
        }
    }
    let chosen: BTreeMap<HostKey, IpAddr> = hosts
        .iter()
        .filter(|(_, (_, ports))| !two_blocks(ports))
        .filter_map(|(key, (votes, _))| {
            let common = |near: IpAddr| everywhere.get(&(key.0, key.2, near)).copied().unwrap_or_default();
            Some((*key, most_voted(votes, common)?))
        })
        .collect();
    silent.into_iter().filter_map(|(at, key)| Some((at, *chosen.get(&key)?))).collect()
}

/// What a silent target's place is shared with.
fn key(observation: &Observation) -> Option<HostKey<'_>> {
    let reason = observation.reason()?;
    let placed = matches!(reason, Reason::FirewallDrop | Reason::UdpBlocked | Reason::ProtocolFilter);
    let host = observation.endpoint.host();
    (placed && !observation.usable()).then_some((observation.labels.requirement.as_str(), host, reason))
}

/// The place that most of the best-proven name; of places with about as many, the one that most of the other hosts name:
/// routers answer only some of the packets that die on them.
fn most_voted(votes: &Votes, common: impl Fn(IpAddr) -> usize) -> Option<IpAddr> {
    let best = votes.keys().map(|(confidence, _)| *confidence).max()?;
    let of_best = || votes.iter().filter(|((confidence, _), _)| *confidence == best);
    let most = of_best().map(|(_, count)| *count).max()?;
    of_best()
        .filter(|(_, count)| **count * 2 >= most)
        .max_by_key(|((_, near), count)| (common(*near), **count, std::cmp::Reverse(*near)))
        .map(|((_, near), _)| *near)
}

/// Whether two devices block one range of ports each: their places do not alternate as measurements do.
fn two_blocks(ports: &PortPlaces) -> bool {
    const LEAST: usize = 3;
    let mut sorted = ports.to_vec();
    sorted.sort_unstable();
    let runs = sorted.chunk_by(|one, other| one.1 == other.1);
    let (count, shortest) =
        runs.fold((0, usize::MAX), |(count, least), run| (count + 1, least.min(run.len())));
    let places: BTreeSet<Option<IpAddr>> = sorted.iter().map(|(_, near)| *near).collect();
    places.len() > 1 && count == places.len() && shortest >= LEAST
}
