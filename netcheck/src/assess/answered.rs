//! Silence of a port that answered other connections of the same run: nothing on the path drops it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netcheck_record::cause::{Confidence, Reason, Who};

use super::reconcile::change;
use crate::records::{CauseKey, Observation};

/// An address and port, and the interface that leads there.
type Port<'a> = (IpAddr, Option<u16>, Option<&'a str>);

/// Turns an unproven drop into a server that is silent now and then. Loss is looked for before: it silences ports, too.
pub(super) fn apply(observations: &mut [Observation]) {
    let answered: BTreeSet<Port> =
        observations.iter().filter(|one| one.usable() && one.connect_ms.is_some()).filter_map(port).collect();
    let silent: Vec<usize> = (0..observations.len())
        .filter(|at| {
            let one = &observations[*at];
            unproven_drop(one) && port(one).is_some_and(|port| answered.contains(&port))
        })
        .collect();
    for at in silent {
        let cause = CauseKey {
            reason: Reason::ServiceDown,
            who: Who::Service,
            confidence: Confidence::Low,
            near: None,
            action: None,
        };
        let seen = "the same address and port answered another connection of this run";
        change(&mut observations[at], cause, seen.to_owned());
    }
}

fn port(observation: &Observation) -> Option<Port<'_>> {
    let direct = observation.direct() && observation.endpoint.transport() == "TCP";
    let interface = observation.egress.as_ref().and_then(|egress| egress.interface.as_deref());
    observation.address().filter(|_| direct).map(|address| (address, observation.port(), interface))
}

/// A SYN without an answer, put down to a firewall that no repeated experiment proves. A target that works all the same
/// (without ECN, or by its other address) has answered itself: it says nothing of another connection.
fn unproven_drop(observation: &Observation) -> bool {
    !observation.usable()
        && observation.reason() == Some(Reason::FirewallDrop)
        && observation.confidence() < Some(Confidence::High)
        && observation.layer() == "tcp"
        && observation.silent()
}
