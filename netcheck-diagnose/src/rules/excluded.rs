//! The flags `-4`, `-6` and `--source` exclude every address of a target.

use std::net::IpAddr;

use netcheck_record::cause::{Cause, Reason, Who};
use netcheck_record::record::Verdict;
use netcheck_record::target::{Host, Target};

use crate::{Diagnosis, Finding, Observed};

/// The flags themselves leave no address to connect to: no word about the network.
pub(crate) fn by_flags(target: &Target, observed: &Observed, net: &Diagnosis) -> Option<Finding> {
    let flags = net.flags();
    let literal = match target.host {
        Host::Address(address) => Some(address),
        Host::Name(_) => None,
    };
    let left = |address: &IpAddr| {
        let family = if address.is_ipv6() { !flags.ipv4 } else { !flags.ipv6 };
        family && flags.source.is_none_or(|source| source.is_ipv6() == address.is_ipv6())
    };
    let mut addresses = observed.path.addresses.iter().chain(&literal);
    if !(flags.ipv4 || flags.ipv6 || flags.source.is_some()) || addresses.any(left) {
        return None;
    }
    let fix =
        format!("Check {} without -4, -6 or --source: they leave no address of it.", target.authority());
    let cause = Cause::new(Reason::Unknown, Who::Local, fix)
        .with_evidence("the flags exclude every address of the target");
    Some(Finding::with(Verdict::Inconclusive, cause))
}
