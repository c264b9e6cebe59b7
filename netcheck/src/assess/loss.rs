//! Loss as a property of the whole path: targets that failed at random, and SYNs that were answered late.

use std::collections::{BTreeMap, BTreeSet};

use netcheck_record::cause::{Confidence, Reason, Who};
use netcheck_record::failure::Code;
use netcheck_record::record::Verdict;

use super::reconcile::change;
use crate::records::{CauseKey, Observation};

/// From so many connections on, late answers are counted.
const CONNECTIONS: usize = 20;
/// So many milliseconds later than others, the answer to a SYN came after its first retransmission (RFC 6298: one second).
const RETRANSMISSION: u16 = 900;
/// So many milliseconds later than others, a connection is slow.
const SLOW: u16 = 200;
/// From so much loss on, in percent, connections that were late and worked count as limited.
const LIMITING: u32 = 10;
/// A row of ports as long as this that fails together is no accident.
const ROW: usize = 5;
/// From so many targets on, failures that are scattered over hosts and ports are an accident.
const SCATTERED: usize = 3;

/// What is known of packet loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Loss {
    /// How many packets in a hundred are lost, where connections show it.
    pub(super) packets: Option<u32>,
    /// How many targets failed at random.
    pub(super) targets: usize,
    /// Of so many that were tried.
    pub(super) tried: usize,
}

/// Gives targets that failed at random the one cause that they share; `None` where nothing is lost.
pub(super) fn apply(observations: &mut [Observation]) -> Option<Loss> {
    let late = late(observations);
    let packets = lost_packets(observations, &late);
    let named = observations.iter().any(|one| one.reason() == Some(Reason::LossyPath));
    let mut random = random_failures(observations, packets.is_some());
    if packets.is_some_and(|percent| percent >= LIMITING) {
        random.extend(size_by_chance(observations));
        random.sort_unstable();
        random.dedup();
    }
    let guesses = random.iter().filter(|at| guess(&observations[**at])).count();
    if packets.is_none() && !named && (guesses < SCATTERED || guesses < random.len()) {
        return None;
    }
    let loss = Loss { packets, targets: random.len(), tried: observations.len() };
    let evidence = match packets {
        Some(percent) => format!(
            "SYNs of this run are answered only after they are sent again: about {percent} % of the packets are lost"
        ),
        None => format!(
            "{} of {} targets failed at random: neighbours on the same host work",
            random.len(),
            observations.len()
        ),
    };
    let confidence = if packets.is_some() { Confidence::Medium } else { Confidence::Low };
    for at in random {
        if observations[at].reason() == Some(Reason::LossyPath) {
            continue;
        }
        let cause =
            CauseKey { reason: Reason::LossyPath, who: Who::Network, confidence, near: None, action: None };
        change(&mut observations[at], cause, evidence.clone());
    }
    let limiting = packets.is_some_and(|percent| percent >= LIMITING) && everywhere(observations, &late);
    for at in late.into_iter().filter(|_| limiting) {
        if observations[at].verdict != Verdict::Pass {
            continue;
        }
        observations[at].verdict = Verdict::Degraded;
        let cause =
            CauseKey { reason: Reason::LossyPath, who: Who::Network, confidence, near: None, action: None };
        change(&mut observations[at], cause, evidence.clone());
    }
    (named || limiting || loss.targets > 0).then_some(loss)
}

/// The connections whose SYN was answered only after it was sent again: a second later than the quickest quarter. None
/// where many are a little late: then this machine, or a queue, is slow.
fn late(observations: &[Observation]) -> Vec<usize> {
    let mut times: Vec<u16> = observations.iter().filter_map(|one| one.connect_ms).collect();
    times.sort_unstable();
    let Some(usual) = times.get(times.len() / 4) else { return Vec::new() };
    let (slow, after) = (usual.saturating_add(SLOW), usual.saturating_add(RETRANSMISSION));
    let late = |(at, one): (usize, &Observation)| (one.connect_ms? >= after).then_some(at);
    let late: Vec<usize> = observations.iter().enumerate().filter_map(late).collect();
    let between = times.iter().filter(|time| (slow..after).contains(*time)).count();
    if between * 4 > late.len() { Vec::new() } else { late }
}

/// Whether connections of most requirements are late: a burst towards one service may overflow a queue of its own.
fn everywhere(observations: &[Observation], late: &[usize]) -> bool {
    const LEAST: usize = 4;
    let mut connections: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (at, observation) in observations.iter().enumerate().filter(|(_, one)| one.connect_ms.is_some()) {
        let (all, slow) = connections.entry(&observation.labels.requirement).or_default();
        *all += 1;
        *slow += usize::from(late.binary_search(&at).is_ok());
    }
    let tried: Vec<usize> =
        connections.into_values().filter(|(all, _)| *all >= LEAST).map(|(_, slow)| slow).collect();
    tried.len() > 1 && tried.iter().filter(|slow| **slow > 0).count() * 2 >= tried.len()
}

/// Large packets that seem to be lost for their size, by one comparison each: beside much loss, that is chance.
fn size_by_chance(observations: &[Observation]) -> Vec<usize> {
    let of_size = |one: &Observation| matches!(one.reason(), Some(Reason::MtuBlackhole | Reason::LargeHello));
    let high = |one: &Observation| of_size(one) && one.confidence() == Some(Confidence::High);
    if observations.iter().any(high) {
        return Vec::new();
    }
    let failed = |(_, one): &(usize, &Observation)| of_size(one) && one.silent() && !one.usable();
    observations.iter().enumerate().filter(failed).map(|(at, _)| at).collect()
}

/// The share of packets that are lost, in percent, from the connections whose SYN had to be sent again; `None` below 3 %.
fn lost_packets(observations: &[Observation], late: &[usize]) -> Option<u32> {
    let connections = observations.iter().filter(|one| one.connect_ms.is_some()).count();
    if connections < CONNECTIONS {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of targets")]
    let share = late.len() as f64 / connections as f64;
    // SYN and SYN-ACK: either may be lost.
    let lost = (1.0 - (1.0 - share).sqrt()) * 100.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share between 0 and 100")]
    (lost >= 3.0).then_some(lost.round() as u32)
}

/// What of a requirement works, and what may have failed by chance.
#[derive(Default)]
struct Ends<'a> {
    good: Vec<&'a Observation>,
    bad: Vec<usize>,
    /// Whether a device answers in place of the services: what it is too slow for is not lost.
    intercepted: bool,
}

/// Failures that make no pattern: of a requirement the smaller part, in no long row of ports, on no port that fails at
/// every host. Where no connection shows the loss, a neighbour on the same host has to work, too.
fn random_failures(observations: &[Observation], measured: bool) -> Vec<usize> {
    let mut requirements: BTreeMap<&str, Ends> = BTreeMap::new();
    for (at, observation) in observations.iter().enumerate() {
        let ends = requirements.entry(&observation.labels.requirement).or_default();
        ends.intercepted |=
            matches!(observation.reason(), Some(Reason::TlsInspection | Reason::TransparentProxy));
        if observation.verdict == Verdict::Pass {
            ends.good.push(observation);
        } else if may_be_random(observation, measured) {
            ends.bad.push(at);
        }
    }
    let passed = observations.iter().filter(|one| one.verdict == Verdict::Pass);
    let alive: BTreeSet<&str> = passed.map(|one| one.endpoint.host()).collect();
    let by_chance = |ends: &Ends| {
        let bad: Vec<&Observation> = ends.bad.iter().map(|at| &observations[*at]).collect();
        let few = bad.len() < ends.good.len()
            || measured && bad.iter().all(|one| guess(one)) && bad.len() <= ends.good.len().max(1);
        let row = if measured { chance_row(bad.len(), ends.good.len()) } else { ROW };
        few && !ends.intercepted && !consecutive_failures(&bad, row) && !at_every_host(&bad, &ends.good)
    };
    requirements
        .into_values()
        .filter(by_chance)
        .flat_map(|ends| ends.bad)
        .filter(|at| measured || alive.contains(observations[*at].endpoint.host()))
        .collect()
}

/// From what length on a row of failing ports is no accident where packets are known to be lost: one such row in a
/// hundred runs. With a share p of failures among n targets, about n · p^length rows come about by chance.
fn chance_row(bad: usize, good: usize) -> usize {
    #[expect(clippy::cast_precision_loss, reason = "counts of targets")]
    let (bad, all) = (bad as f64, (bad + good) as f64);
    let length = (0.01 / all).ln() / (bad / all).ln();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    let length = if length.is_finite() { length.ceil() as usize } else { usize::MAX };
    length.max(ROW)
}

/// Whether a failure may be an accident: silence that nothing proves to be a block.
fn may_be_random(observation: &Observation, measured: bool) -> bool {
    let reason = observation.reason().unwrap_or(Reason::Unknown);
    if reason == Reason::LossyPath {
        return true;
    }
    if measured && reason == Reason::Unknown && observation.code == Some(Code::WsNoPong) {
        return true;
    }
    let proven = observation.confidence() == Some(Confidence::High);
    observation.verdict == Verdict::Fail
        && observation.silent()
        && !proven
        && !observation.need_not_answer()
        && observation.layer() != "dns"
        && matches!(
            reason,
            Reason::Unknown
                | Reason::ProtocolFilter
                | Reason::MtuBlackhole
                | Reason::LargeHello
                | Reason::FirewallDrop
                | Reason::SniFilter
                | Reason::WebsocketFilter
                | Reason::TransparentProxy
        )
}

/// Whether an observation was not put down to anything with two signs.
fn guess(observation: &Observation) -> bool {
    observation.reason() == Some(Reason::LossyPath) || observation.confidence() <= Some(Confidence::Low)
}

/// Whether ports of one host fail in a long row.
fn consecutive_failures(bad: &[&Observation], row: usize) -> bool {
    let mut hosts: BTreeMap<&str, Vec<u16>> = BTreeMap::new();
    for observation in bad {
        hosts.entry(observation.endpoint.host()).or_default().extend(observation.port());
    }
    hosts.into_values().any(|ports| {
        crate::ports::ranges(ports).iter().any(|(first, last)| usize::from(last - first) + 1 >= row)
    })
}

/// Whether ports fail at several hosts and work at none, while other ports of the same hosts work.
fn at_every_host(bad: &[&Observation], good: &[&Observation]) -> bool {
    let ports: BTreeSet<Option<u16>> = bad.iter().map(|one| one.port()).collect();
    let hosts: BTreeSet<&str> = bad.iter().map(|one| one.endpoint.host()).collect();
    let works = |host: &&str| good.iter().any(|one| one.endpoint.host() == *host);
    hosts.len() > 1 && hosts.iter().all(works) && !good.iter().any(|one| ports.contains(&one.port()))
}
