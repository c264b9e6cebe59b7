//! Requests: what to ask of whom, made from the profile's permit entries.

use std::collections::{BTreeMap, BTreeSet};

use netcheck_record::cause::{Reason, Who};

use super::findings::Finding;
use super::permits;
use super::request::{Addressee, Request, Rule, Source};
use super::{cause_text, request_text};
use crate::plan::CONTROLS;
use crate::profile::Profile;
use crate::records::{Observation, utc};

/// The requests that findings ask for, the required ones first. `needed` says which observations a requirement depends on,
/// `working` names the requirements that can be used.
pub(super) fn of(
    findings: &[Finding],
    observations: &[Observation],
    needed: &[bool],
    working: &BTreeSet<&str>,
    profile: &Profile,
    public_address: Option<&str>,
) -> Vec<Request> {
    let permitted = permits::Permitted::of(profile, observations);
    let mut requests: Vec<Request> = findings
        .iter()
        .filter_map(|finding| {
            let mut request = request(finding, observations, needed, profile, &permitted, public_address)?;
            let useful = request.requirements.iter().all(|name| working.contains(name.as_str()));
            request.required &= !(useful && only_remarks(finding));
            request.text = request_text::paragraph(&request, finding);
            Some(request)
        })
        .collect();
    requests.sort_by_key(|request| (!request.required, number(&request.finding), request.to));
    requests
}

fn number(id: &str) -> usize {
    id.trim_start_matches('f').parse().unwrap_or(usize::MAX)
}

fn request(
    finding: &Finding,
    observations: &[Observation],
    needed: &[bool],
    profile: &Profile,
    permitted: &permits::Permitted,
    public_address: Option<&str>,
) -> Option<Request> {
    let members: Vec<usize> = finding
        .members
        .iter()
        .copied()
        .filter(|at| needed[*at] && observations[*at].labels.requirement != CONTROLS)
        .collect();
    let first = members.first()?;
    let all = || members.iter().map(|at| &observations[*at]);
    let names: BTreeSet<&str> = all().map(|one| one.labels.requirement.as_str()).collect();
    let needing = all().filter(|one| one.labels.required).map(|one| one.labels.requirement.as_str());
    let (main, rest) = match needing.collect::<BTreeSet<&str>>() {
        none if none.is_empty() => (names.clone(), BTreeSet::new()),
        required => (required.clone(), names.difference(&required).copied().collect()),
    };
    let inbound = inbound(&names, profile);
    let (destinations, unnamed_targets) = match by_destination(finding) {
        true => rules(&members, observations, permitted),
        false => (Vec::new(), 0),
    };
    Some(Request {
        to: addressee(finding),
        required: all().any(|one| one.labels.required),
        finding: finding.id.clone(),
        action: action(finding, &observations[*first]),
        direction: if inbound { "inbound" } else { "outbound" }.to_owned(),
        source: source(all(), public_address),
        destinations,
        unnamed_targets,
        requirements: names.iter().map(|name| (*name).to_owned()).collect(),
        reason: reason(&main, profile, observations, &members),
        optional_reason: reason(&rest, profile, observations, &members),
        near: finding.near,
        evidence: finding.evidence.iter().take(3).cloned().collect::<Vec<_>>().join("; "),
        seen: all().map(|one| one.time).filter(|time| *time > 0).min().map(utc).unwrap_or_default(),
        text: String::new(),
    })
}

/// The rules that cover observations: first what required targets need, then what only optional ones do.
fn rules(
    members: &[usize],
    observations: &[Observation],
    permitted: &permits::Permitted,
) -> (Vec<Rule>, u64) {
    let of = |required: bool| -> Vec<usize> {
        members.iter().copied().filter(|at| observations[*at].labels.required == required).collect()
    };
    let (required, optional) = (of(true), of(false));
    let (mut rules, unnamed) = permitted.rules(&required, observations);
    let mut known: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, rule) in rules.iter().enumerate() {
        known.entry(rule.rule.clone()).or_default().push(at);
    }
    let (spare, more) = permitted.rules(&optional, observations);
    for rule in spare {
        let mut alike = known.get(&rule.rule).into_iter().flatten().copied();
        match alike.find(|at| rules[*at].covers(&rule)) {
            Some(at) => rules[at].add_addresses(&rule),
            None => rules.push(Rule { optional: !required.is_empty(), ..rule }),
        }
    }
    (rules, unnamed + more)
}

/// Whether a finding says only what an administrator may want to know.
fn only_remarks(finding: &Finding) -> bool {
    finding.names.usable && finding.who == Who::Service
}

/// Whether a request about such a cause names destinations, and not the requirements alone.
fn by_destination(finding: &Finding) -> bool {
    !cause_text::of_the_access(finding.cause) && !finding.names.everything
        || matches!(finding.cause, Reason::TlsInspection | Reason::LargeHello)
}

/// Whether mail comes in from outside.
fn inbound(names: &BTreeSet<&str>, profile: &Profile) -> bool {
    let rows = profile.rows.iter().filter(|row| names.contains(row.name.as_str()));
    let permits: Vec<_> = rows.flat_map(|row| &row.permits).collect();
    !permits.is_empty() && permits.iter().all(|permit| !permit.from.is_empty())
}

/// Whom a finding concerns.
fn addressee(finding: &Finding) -> Addressee {
    match finding.cause {
        Reason::TlsInspection | Reason::BlockPage | Reason::LargeHello => Addressee::Security,
        Reason::CaptivePortal
        | Reason::LocalFirewall
        | Reason::LocalAgent
        | Reason::ClockSkew
        | Reason::ProxyTicket => Addressee::Person,
        Reason::DnsHijack if finding.names.everything => Addressee::Person,
        Reason::ProxySpn | Reason::ProxyKeytab | Reason::KdcUnreachable => Addressee::Directory,
        Reason::MailGateway => Addressee::Mail,
        Reason::FirewallDrop
        | Reason::FirewallReject
        | Reason::Offline
        | Reason::DnsFilter
        | Reason::DnsHijack
        | Reason::DnsOutage
        | Reason::SniFilter
        | Reason::ProtocolFilter
        | Reason::TransparentProxy
        | Reason::ProxyAuth
        | Reason::ProxyPolicy
        | Reason::ProxyDown
        | Reason::WebsocketFilter
        | Reason::IdleTimeout
        | Reason::UdpBlocked
        | Reason::MtuBlackhole
        | Reason::LossyPath
        | Reason::Ipv6Broken
        | Reason::NatRewrite
        | Reason::ServiceDown
        | Reason::ServiceMisconfigured
        | Reason::PortIdle
        | Reason::SenderIdentity
        | Reason::ServiceRefused
        | Reason::NatRebinding
        | Reason::ProxyUpstream
        | Reason::ThinLine
        | Reason::ProxyScheme
        | Reason::ProxyPac
        | Reason::Unknown => match finding.who {
            Who::Network | Who::Unknown => Addressee::Network,
            Who::Dns => Addressee::Dns,
            Who::Proxy => Addressee::Proxy,
            Who::Local => Addressee::Person,
            Who::Service => Addressee::Service,
        },
    }
}

/// What to do: what the records say, else what the cause asks for.
fn action(finding: &Finding, first: &Observation) -> String {
    let said = first.cause.as_ref().filter(|cause| cause.reason == finding.cause);
    let said = said.and_then(|cause| cause.action.as_ref()).map(|action| action.kind.as_str());
    const KINDS: [&str; 13] = [
        "allow",
        "exempt",
        "authenticate",
        "log_in",
        "repair_dns",
        "repair_ipv6",
        "repair_mtu",
        "repair_path",
        "set_clock",
        "connect",
        "repair_proxy",
        "ask_operator",
        "advise",
    ];
    if finding.cause == Reason::DnsHijack && finding.names.everything {
        return "log_in".to_owned();
    }
    if let Some(kind) = KINDS.into_iter().find(|kind| Some(*kind) == said) {
        return kind.to_owned();
    }
    let kind = match finding.cause {
        Reason::FirewallDrop
        | Reason::FirewallReject
        | Reason::LocalFirewall
        | Reason::UdpBlocked
        | Reason::KdcUnreachable
        | Reason::ProxyPolicy => "allow",
        Reason::TlsInspection
        | Reason::SniFilter
        | Reason::ProtocolFilter
        | Reason::TransparentProxy
        | Reason::BlockPage
        | Reason::WebsocketFilter
        | Reason::LocalAgent
        | Reason::LargeHello
        | Reason::IdleTimeout
        | Reason::NatRewrite
        | Reason::NatRebinding
        | Reason::MailGateway => "exempt",
        Reason::ProxyAuth
        | Reason::ProxyTicket
        | Reason::ProxySpn
        | Reason::ProxyKeytab
        | Reason::ProxyScheme => "authenticate",
        Reason::CaptivePortal => "log_in",
        Reason::DnsFilter | Reason::DnsHijack | Reason::DnsOutage => "repair_dns",
        Reason::Ipv6Broken => "repair_ipv6",
        Reason::MtuBlackhole => "repair_mtu",
        Reason::LossyPath | Reason::ThinLine => "repair_path",
        Reason::ClockSkew => "set_clock",
        Reason::Offline => "connect",
        Reason::ProxyDown | Reason::ProxyPac | Reason::ProxyUpstream => "repair_proxy",
        Reason::ServiceDown
        | Reason::ServiceMisconfigured
        | Reason::ServiceRefused
        | Reason::PortIdle
        | Reason::SenderIdentity => "ask_operator",
        Reason::Unknown => "advise",
    };
    kind.to_owned()
}

/// The address and interface that most of the connections left from.
fn source<'a>(members: impl Iterator<Item = &'a Observation>, public_address: Option<&str>) -> Source {
    let mut votes: BTreeMap<(Option<&str>, Option<&str>), usize> = BTreeMap::new();
    for egress in members.filter_map(|one| one.egress.as_deref()) {
        if egress.local.is_some() || egress.interface.is_some() {
            *votes.entry((egress.local.as_deref(), egress.interface.as_deref())).or_default() += 1;
        }
    }
    let best = votes.into_iter().max_by(|one, other| one.1.cmp(&other.1).then_with(|| other.0.cmp(&one.0)));
    let (address, interface) = best.map(|(egress, _)| egress).unwrap_or_default();
    Source {
        address: address.map(str::to_owned),
        interface: interface.map(str::to_owned),
        public_address: public_address.filter(|outside| Some(*outside) != address).map(str::to_owned),
    }
}

/// What the platform does with it, for the person who reads the request.
fn reason(
    names: &BTreeSet<&str>,
    profile: &Profile,
    observations: &[Observation],
    members: &[usize],
) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for row in profile.rows.iter().filter(|row| names.contains(row.name.as_str())) {
        known.insert(&row.name);
        let text = if row.function.is_empty() { row.name.clone() } else { row.function.clone() };
        if !words.contains(&text) {
            words.push(text);
        }
    }
    for observation in members.iter().map(|at| &observations[*at]) {
        let labels = &observation.labels;
        if names.contains(labels.requirement.as_str()) && known.insert(&labels.requirement) {
            let text = if labels.function.is_empty() { &labels.requirement } else { &labels.function };
            words.push(text.clone());
        }
    }
    words.join(", ")
}
