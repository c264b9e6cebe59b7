//! The fixes that rules ask for, by what is wrong.

use std::net::IpAddr;

use netcheck_record::fix::{Destination, Filter, Fix};
use netcheck_record::target::Target;

/// `TCP 10000 to us-channel.spotme.com (RTMPS over TCP)`.
#[must_use]
pub fn what(target: &Target) -> String {
    Destination::of(target).to_string()
}

/// Let it through.
#[must_use]
pub fn allow(target: &Target) -> Fix {
    Fix::allow(target)
}

/// Nothing to ask of the network: the service itself refused.
#[must_use]
pub fn no_listener(target: &Target) -> Fix {
    Fix::CheckService { destination: Destination::of(target) }
}

/// Do not filter by name.
#[must_use]
pub fn name_filter(target: &Target) -> Fix {
    Fix::exempt(target, Filter::NameFilter)
}

/// Do not decrypt TLS.
#[must_use]
pub fn inspection(target: &Target) -> Fix {
    Fix::exempt(target, Filter::TlsInspection)
}

/// Let the protocol through.
#[must_use]
pub fn protocol_filter(target: &Target) -> Fix {
    Fix::exempt(target, Filter::ProtocolFilter)
}

/// Exempt from a web filter and its block pages.
#[must_use]
pub fn web_filter(target: &Target) -> Fix {
    Fix::exempt(target, Filter::WebFilter)
}

/// Resolve the name.
#[must_use]
pub fn resolve(target: &Target) -> Fix {
    Fix::RepairDns {
        host: Some(target.host.to_string()),
        resolver: None,
        destination: Destination::of(target),
    }
}

/// Repair the resolver.
#[must_use]
pub fn resolver(target: &Target, resolver: Option<String>) -> Fix {
    Fix::RepairDns { host: None, resolver, destination: Destination::of(target) }
}

/// Let the transparent proxy leave it alone.
#[must_use]
pub fn bypass(target: &Target) -> Fix {
    Fix::exempt(target, Filter::TransparentProxy)
}

/// Let a browser's ClientHellos pass.
#[must_use]
pub fn hello(target: &Target, after: Option<IpAddr>, drops: &str) -> Fix {
    Fix::AcceptHello { destination: Destination::of(target), drops: drops.to_owned(), after }
}

/// Repair the MTU.
#[must_use]
pub fn mtu(target: &Target) -> Fix {
    Fix::RepairMtu { destination: Destination::of(target) }
}

/// Nothing to ask of the network.
#[must_use]
pub fn service(target: &Target, what_is_wrong: &str) -> Fix {
    Fix::AskOperator { about: what_is_wrong.to_owned(), destination: Destination::of(target) }
}
