//! Loss as a property of the whole path: targets that failed at random, and SYNs that were answered late.

use std::collections::BTreeMap;

use netcheck_record::cause::{Confidence, Reason, Who};
use netcheck_record::record::Verdict;

use super::reconcile::change;
use crate::records::{CauseKey, Observation};

/// From so many connections on, late answers are counted.
const CONNECTIONS: usize = 20;
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
    let packets = lost_packets(observations);
    let named = observations.iter().any(|one| one.reason() == Some(Reason::LossyPath));
    let random = random_failures(observations);
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
    (named || loss.targets > 0).then_some(loss)
}

/// The share of packets that are lost, in percent, from the connections whose SYN had to be sent again; `None` below 3 %.
fn lost_packets(observations: &[Observation]) -> Option<u32> {
    let connections: Vec<bool> = observations.iter().filter_map(|one| one.retransmitted).collect();
    let late = connections.iter().filter(|late| **late).count();
    // Where most are late, it is the delay that is long.
    if connections.len() < CONNECTIONS || late * 10 > connections.len() * 8 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of targets")]
    let share = late as f64 / connections.len() as f64;
    // SYN and SYN-ACK: either may be lost.
    let lost = (1.0 - (1.0 - share).sqrt()) * 100.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share between 0 and 100")]
    (lost >= 3.0).then_some(lost.round() as u32)
}

/// Failures whose neighbours work and that make no pattern: of a requirement, the smaller part, in no long row of ports.
fn random_failures(observations: &[Observation]) -> Vec<usize> {
    let mut requirements: BTreeMap<&str, (usize, Vec<usize>)> = BTreeMap::new();
    for (at, observation) in observations.iter().enumerate() {
        let (good, bad) = requirements.entry(&observation.labels.requirement).or_default();
        if observation.verdict == Verdict::Pass {
            *good += 1;
        } else if may_be_random(observation) {
            bad.push(at);
        }
    }
    requirements
        .into_values()
        .filter(|(good, bad)| bad.len() < *good && !in_a_row(bad.iter().map(|at| &observations[*at])))
        .flat_map(|(_, bad)| bad)
        .collect()
}

/// Whether a failure may be an accident: silence that nothing proves to be a block.
fn may_be_random(observation: &Observation) -> bool {
    let reason = observation.reason().unwrap_or(Reason::Unknown);
    if reason == Reason::LossyPath {
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
fn in_a_row<'a>(bad: impl Iterator<Item = &'a Observation>) -> bool {
    let mut hosts: BTreeMap<&str, Vec<u16>> = BTreeMap::new();
    for observation in bad {
        hosts.entry(&observation.endpoint.host).or_default().extend(observation.port);
    }
    hosts.into_values().any(|ports| {
        crate::ports::ranges(ports).iter().any(|(first, last)| usize::from(last - first) + 1 >= ROW)
    })
}
