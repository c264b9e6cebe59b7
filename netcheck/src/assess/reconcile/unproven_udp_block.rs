//! Silence of a service that need not answer proves a block only where it fits what else of UDP was seen.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netcheck_record::cause::{Confidence, Reason};
use netcheck_record::record::Verdict;

use super::change;
use crate::records::Observation;

/// Takes the proof away where datagrams to services that are known to answer stop at another place, or where somebody
/// else's pass on the same port: the block that was proven is another one.
pub(super) fn apply(observations: &mut [Observation]) {
    let stops: BTreeSet<IpAddr> =
        observations.iter().filter(|one| one.verdict == Verdict::Fail).filter_map(stop).collect();
    let open: BTreeSet<u16> = observations
        .iter()
        .filter(|one| one.direct() && one.verdict == Verdict::Pass)
        .filter_map(udp_port)
        .collect();
    for observation in observations.iter_mut().filter(|one| silent_and_blamed(one)) {
        let passing = udp_port(observation).filter(|port| open.contains(port));
        let farther = stop(observation).is_some_and(|place| !stops.is_empty() && !stops.contains(&place));
        let doubt = match passing {
            Some(port) => format!("UDP {port} to another service passes in the same run"),
            None if farther => "datagrams to services that are known to answer stop elsewhere".to_owned(),
            None => continue,
        };
        if let Some(found) = observation.cause.as_deref().cloned() {
            let mut found = found;
            found.confidence = Confidence::Low;
            change(observation, found, doubt);
        }
    }
}

/// Whether it stayed silent, need not answer, and was taken for blocked all the same.
fn silent_and_blamed(observation: &Observation) -> bool {
    observation.labels.known_to_answer == Some(false)
        && observation.verdict == Verdict::Inconclusive
        && observation.reason() == Some(Reason::UdpBlocked)
        && observation.confidence() == Some(Confidence::High)
}

/// Where the datagrams of an observation that was taken for blocked stop.
fn stop(observation: &Observation) -> Option<IpAddr> {
    observation.near().filter(|_| observation.reason() == Some(Reason::UdpBlocked))
}

fn udp_port(observation: &Observation) -> Option<u16> {
    observation.port().filter(|_| observation.endpoint.transport() == "UDP")
}
