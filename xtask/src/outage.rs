//! One reason for everything: no network, no resolver, no proxy. It is said once.

use netcheck_common::cause::{Reason, Who};
use netcheck_common::failure::Code;
use netcheck_common::record::Record;

use crate::standing;

/// One reason for everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    /// The cause that every row shares.
    pub(crate) reason: Reason,
    /// Whom to ask.
    pub(crate) who: Who,
    /// What it means, for people.
    pub(crate) sentence: &'static str,
    /// What to do, ready to paste.
    pub(crate) request: &'static str,
}

const OFFLINE: Outage = Outage {
    reason: Reason::Offline,
    who: Who::Local,
    sentence: "This machine has no working network: nothing answered, not even a control. Every row has this one reason.",
    request: "Connect this machine to the network (cable, Wi-Fi, VPN, default route), then run the check again.",
};

const NO_NAMES: Outage = Outage {
    reason: Reason::DnsOutage,
    who: Who::Dns,
    sentence: "No name could be resolved: no resolver answers this machine. Every row has this one reason.",
    request: "Make a resolver reachable from this machine (UDP and TCP 53), or configure one that is, then run the check again.",
};

const NO_PROXY: Outage = Outage {
    reason: Reason::ProxyDown,
    who: Who::Proxy,
    sentence: "The configured proxy does not work: nothing gets past it. Every row has this one reason.",
    request: "Bring the proxy back, or correct the proxy settings of this machine, then run the check again.",
};

/// The one reason for everything, where there is one.
pub(crate) fn of(records: &[&Record]) -> Option<Outage> {
    let said: Vec<&&Record> = records.iter().filter(|record| !mute(record)).collect();
    let signs: Vec<Reason> = said.iter().map(|record| sign(record)).collect::<Option<_>>()?;
    // What nothing needs a network for would otherwise decide alone.
    if signs.is_empty() {
        return None;
    }
    let outages = [OFFLINE, NO_NAMES, NO_PROXY];
    outages.into_iter().find(|outage| signs.contains(&outage.reason))
}

/// Records that say nothing about a network either way.
fn mute(record: &Record) -> bool {
    let code = record.failure.as_ref().map(|failure| failure.code);
    matches!(code, Some(Code::InputInvalid | Code::IcmpNotPermitted | Code::Internal))
}

fn sign(record: &Record) -> Option<Reason> {
    if standing::usable(record) {
        return None;
    }
    let cause = record.cause.as_ref().map(|cause| cause.code);
    if let Some(reason @ (Reason::Offline | Reason::DnsOutage | Reason::ProxyDown)) = cause {
        return Some(reason);
    }
    if cause.is_some_and(|cause| cause != Reason::Unknown) {
        return None;
    }
    match record.failure.as_ref()?.code {
        Code::RouteNone => Some(Reason::Offline),
        Code::DnsTimeout | Code::DnsUnreachable => Some(Reason::DnsOutage),
        Code::ProxyUnreachable | Code::ProxyTimeout => Some(Reason::ProxyDown),
        _ => None,
    }
}
