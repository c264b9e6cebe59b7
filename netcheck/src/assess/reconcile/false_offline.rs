//! "Nothing beyond the first hop answers" is no outage where the same run reached somebody else that way.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netcheck_record::cause::{Confidence, Reason, Who};
use netcheck_record::record::Verdict;

use super::{cause, change};
use crate::records::Observation;

/// A way to the outside that works: whether it is IPv6, and its interface where that is known.
type OpenPath = (bool, Option<String>);

/// Turns silence that a tool took for an outage into a block, or a name's own trouble.
pub(super) fn apply(observations: &mut [Observation]) {
    let open: BTreeSet<OpenPath> = observations.iter().filter_map(open_path).collect();
    if open.is_empty() {
        return;
    }
    let outage = |one: &&mut Observation| {
        one.reason() == Some(Reason::Offline)
            && one.silent()
            && (one.egress.is_none() || one.direct())
            && open.iter().any(|path| uses_open_path(one, path))
    };
    for observation in observations.iter_mut().filter(outage) {
        let named = observation.layer() == "dns";
        let mut found = match named {
            true => cause(Reason::DnsOutage, Who::Dns, Confidence::Low),
            false => cause(Reason::FirewallDrop, Who::Network, Confidence::Medium),
        };
        // The last hop that answered is that of a block as well.
        found.near = observation.near().filter(|_| !named);
        change(observation, found, "other services were reached in the same run".to_owned());
    }
}

/// The way of a target outside that is proven to work.
fn open_path(observation: &Observation) -> Option<OpenPath> {
    let address = observation.address().filter(|address| !is_local_address(*address))?;
    let interface = observation.egress.as_ref()?.interface.clone();
    (observation.verdict == Verdict::Pass && observation.direct()).then_some((address.is_ipv6(), interface))
}

/// Whether an observation went, or may have gone, that way.
fn uses_open_path(observation: &Observation, (v6, interface): &OpenPath) -> bool {
    let own = observation.egress.as_ref().and_then(|egress| egress.interface.as_ref());
    observation.address().is_none_or(|address| address.is_ipv6() == *v6)
        && (own.is_none() || interface.is_none() || own == interface.as_ref())
}

/// Whether an address may be this side of the way to the Internet.
fn is_local_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_loopback() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_unique_local() || address.is_loopback() || address.is_unicast_link_local()
        }
    }
}
