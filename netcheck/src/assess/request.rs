//! A request as reports print it: what to ask of whom, from where, to where.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::ports;

/// Whom a request is for.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Addressee {
    /// The person at the machine.
    Person,
    /// The network or firewall team.
    Network,
    /// Whoever runs the security gateway: TLS inspection, web filter.
    Security,
    /// Whoever runs the proxy.
    Proxy,
    /// Whoever runs the directory (Kerberos).
    Directory,
    /// Whoever runs the resolver.
    Dns,
    /// Whoever runs the mail gateway.
    Mail,
    /// The service's own operator.
    Service,
}

/// One request.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Request {
    /// Whom it is for.
    pub(crate) to: Addressee,
    /// Whether a required requirement depends on it.
    pub(crate) required: bool,
    /// The finding it comes from.
    pub(crate) finding: String,
    /// `allow`, `exempt`, `authenticate`, `log_in`, `repair_dns`, …
    pub(crate) action: String,
    /// `outbound` or `inbound`.
    pub(crate) direction: String,
    /// Where the connections come from.
    pub(crate) source: Source,
    /// Where to, where the request is about destinations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) destinations: Vec<Rule>,
    /// How many targets are of hosts that are not among them: after the first 2,000 hosts.
    #[serde(skip_serializing_if = "super::findings::none")]
    pub(crate) unnamed_targets: u64,
    /// The requirements that need it.
    pub(crate) requirements: Vec<String>,
    /// What for.
    pub(crate) reason: String,
    /// What only optional targets need it for, beside that.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) optional_reason: String,
    /// The device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) near: Option<IpAddr>,
    /// What shows it, in one line.
    pub(crate) evidence: String,
    /// When it was seen (RFC 3339, UTC).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) seen: String,
    /// The request in words, ready to paste.
    pub(crate) text: String,
}

/// Where connections come from.
#[derive(Clone, Debug, Default, Serialize, JsonSchema, PartialEq, Eq)]
pub(crate) struct Source {
    /// Our own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
    /// The interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interface: Option<String>,
    /// The address that the outside sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public_address: Option<String>,
}

/// One destination of a rule.
#[derive(Clone, Debug, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rule {
    /// A name, a wildcard, names in braces, or a block, as the profile permits it.
    pub(crate) rule: String,
    /// The addresses that its hosts have now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) addresses: Vec<String>,
    /// `TCP` or `UDP`.
    pub(crate) protocol: String,
    /// The ports, as ranges.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) ports: String,
    /// Whether only optional targets of a required request need it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) optional: bool,
}

impl Rule {
    /// Whether everything that another rule allows is in this one.
    pub(super) fn covers(&self, other: &Rule) -> bool {
        let parse = |rule: &Rule| ports::parse(&rule.ports).unwrap_or_default();
        let own = parse(self);
        let holds = |(first, last): (u16, u16)| own.iter().any(|range| range.0 <= first && last <= range.1);
        self.rule == other.rule && self.protocol == other.protocol && parse(other).into_iter().all(holds)
    }

    /// Adds the addresses of another rule.
    pub(super) fn add_addresses(&mut self, other: &Rule) {
        self.addresses.extend(other.addresses.iter().cloned());
        self.addresses.sort();
        self.addresses.dedup();
    }
}
