//! Findings: one cause, one place, and the destinations and port ranges they cover.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use netcheck_record::cause::{Confidence, Reason, Who};
use netcheck_record::failure::Code;
use netcheck_record::record::Verdict;
use schemars::JsonSchema;
use serde::Serialize;

use super::cause_text;
use super::loss::Loss;
use crate::plan::CONTROLS;
use crate::ports;
use crate::records::Observation;
use crate::target::site;

/// How many sentences of evidence a finding keeps.
const EVIDENCE: usize = 8;

/// As many hosts of a finding or a request are named: nobody reads more, and each takes memory.
pub(super) const HOSTS: usize = 2_000;

/// Whether there is nothing to say.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
pub(super) fn none(count: &u64) -> bool {
    *count == 0
}

/// One cause at one place, and what it covers.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Finding {
    /// What requests and requirements refer to it by.
    pub(crate) id: String,
    /// Why.
    pub(crate) cause: Reason,
    /// Who can change it.
    pub(crate) who: Who,
    /// How sure that is: the best-proven target speaks for all.
    pub(crate) confidence: Confidence,
    /// The device that answered instead of the service, or the last hop that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) near: Option<IpAddr>,
    /// What was found, in one sentence.
    pub(crate) summary: String,
    /// The requirements that it touches.
    pub(crate) requirements: Vec<String>,
    /// How many targets it covers.
    pub(crate) targets: u64,
    /// Whether one of them is required.
    pub(crate) required: bool,
    /// Whether every one of them failed in the baseline run too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) known: bool,
    /// What it covers; empty where it concerns the whole access.
    pub(crate) destinations: Vec<Destination>,
    /// How many of its targets are of hosts that are not named: after the first 2,000 hosts.
    #[serde(skip_serializing_if = "none")]
    pub(crate) unnamed_targets: u64,
    /// What was seen.
    pub(crate) evidence: Vec<String>,
    /// Facts that its sentences name.
    #[serde(skip)]
    pub(crate) names: Names,
    /// Its observations, by their position.
    #[serde(skip)]
    pub(crate) members: Vec<usize>,
}

/// What a finding's sentences name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// Who signs the certificates of an interception.
    pub(crate) authority: Option<String>,
    /// The product that shows itself.
    pub(crate) vendor: Option<String>,
    /// The page of a portal.
    pub(crate) portal: Option<String>,
    /// The proxy.
    pub(crate) proxy: Option<String>,
    /// The resolver.
    pub(crate) resolver: Option<String>,
    /// Which ClientHellos a device drops, where that is all that it drops.
    pub(crate) drops: Option<String>,
    /// How many packets in a hundred are lost.
    pub(crate) lost: Option<u32>,
    /// What was observed, where no cause was inferred.
    pub(crate) code: Option<Code>,
    /// Whether every target still works.
    pub(crate) usable: bool,
    /// Whether it is the one reason for everything.
    pub(crate) everything: bool,
}

/// What a finding covers of one host.
#[derive(Clone, Debug, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Destination {
    /// The host.
    pub(crate) host: String,
    /// Its addresses in this run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) addresses: Vec<String>,
    /// `TCP` or `UDP`.
    pub(crate) protocol: String,
    /// The ports, as ranges.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) ports: String,
}

/// What makes observations one finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    reason: Reason,
    who: Who,
    near: Option<IpAddr>,
    /// The service's operator, or what was observed where nothing was inferred.
    detail: String,
}

/// The findings of observations, the ones of required requirements first, then by how much they cover.
pub(super) fn group(
    observations: &[Observation],
    known: &BTreeSet<usize>,
    loss: Option<Loss>,
    common: Option<Reason>,
) -> Vec<Finding> {
    let mut groups: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (at, observation) in observations.iter().enumerate() {
        if belongs(observation) {
            groups.entry(key(observation)).or_default().push(at);
        }
    }
    let mut findings: Vec<Finding> = groups
        .into_iter()
        .filter_map(|(key, members)| finding(&key, members, observations, known, loss))
        .collect();
    findings.sort_by_key(order);
    for (at, finding) in findings.iter_mut().enumerate() {
        finding.id = format!("f{}", at + 1);
        finding.names.everything = common == Some(finding.cause);
        finding.summary = cause_text::summary(finding);
        // What concerns the whole access names the requirements it touches, and no single host.
        if finding.names.everything || cause_text::of_the_access(finding.cause) {
            finding.destinations.clear();
            finding.unnamed_targets = 0;
        }
    }
    findings
}

/// The order of findings: counts may differ between two runs of one network, so they are not part of it.
fn order(finding: &Finding) -> (bool, bool, bool, Reason, Option<IpAddr>, Vec<String>) {
    let usable = finding.names.usable;
    let whole = !cause_text::of_the_access(finding.cause);
    (!finding.required, usable, whole, finding.cause, finding.near, finding.requirements.clone())
}

/// Whether an observation says that something is wrong.
fn belongs(observation: &Observation) -> bool {
    match observation.verdict {
        Verdict::Pass => false,
        Verdict::Inconclusive => {
            let known = observation.reason().is_some_and(|reason| reason != Reason::Unknown);
            known || !observation.need_not_answer()
        }
        Verdict::Fail | Verdict::Degraded => true,
    }
}

fn key(observation: &Observation) -> Key {
    let cause = observation.cause.as_ref();
    let reason = cause.map_or(Reason::Unknown, |cause| cause.reason);
    let who = cause.map_or(Who::Unknown, |cause| cause.who);
    let detail = match who {
        _ if reason == Reason::Unknown && who != Who::Service => unexplained(observation).to_owned(),
        Who::Service => site(observation.endpoint.host()),
        Who::Network | Who::Dns | Who::Proxy | Who::Local | Who::Unknown => String::new(),
    };
    let near = cause.and_then(|cause| cause.near).filter(|_| cause_text::has_place(reason));
    // What concerns the whole access is one thing, whomever single targets would ask.
    let who = if cause_text::of_the_access(reason) { Who::Unknown } else { who };
    Key { reason, who, near, detail }
}

/// What observations without a cause have in common. A reset is one thing, whichever layer notices it first.
fn unexplained(observation: &Observation) -> &'static str {
    let code = observation.code.map_or("", Code::as_str);
    let ended = code.rsplit_once('.').map_or("", |(_, end)| end);
    if matches!(ended, "reset" | "closed") { ended } else { code }
}

fn finding(
    key: &Key,
    members: Vec<usize>,
    observations: &[Observation],
    known: &BTreeSet<usize>,
    loss: Option<Loss>,
) -> Option<Finding> {
    let counted: Vec<usize> =
        members.iter().copied().filter(|at| observations[*at].labels.requirement != CONTROLS).collect();
    // A control alone tells causes apart; no requirement depends on it.
    let first = counted.first()?;
    let all = || counted.iter().map(|at| &observations[*at]);
    let requirements: BTreeSet<String> = all().map(|one| one.labels.requirement.clone()).collect();
    // Of equals the one that was told most about: of two ways, the one that says why it was taken.
    let told = |one: &Observation| one.detail.as_ref().map(|detail| detail.evidence.len());
    let best = all().max_by_key(|one| (one.confidence(), told(one), std::cmp::Reverse(one.key())));
    let best = best.unwrap_or(&observations[*first]);
    let (destinations, unnamed_targets) = destinations(all());
    let mut finding = Finding {
        id: String::new(),
        cause: key.reason,
        who: best.cause.as_ref().map_or(key.who, |cause| cause.who),
        confidence: all().filter_map(Observation::confidence).max().unwrap_or(Confidence::Low),
        near: key.near.or_else(|| place(all())),
        summary: String::new(),
        requirements: requirements.into_iter().collect(),
        targets: counted.len() as u64,
        required: all().any(|one| one.labels.required),
        known: counted.iter().all(|at| known.contains(at)),
        destinations,
        unnamed_targets,
        evidence: evidence(best),
        names: names(members.iter().map(|at| &observations[*at])),
        members,
    };
    if let Some(loss) = loss.filter(|_| key.reason == Reason::LossyPath) {
        finding.names.lost = loss.packets;
        finding.evidence.insert(0, format!("{} of {} targets failed at random", loss.targets, loss.tried));
    }
    finding.names.usable = counted.iter().all(|at| observations[*at].usable());
    Some(finding)
}

/// The place that most of the best-proven name, for causes whose place is not part of them.
fn place<'a>(members: impl Iterator<Item = &'a Observation>) -> Option<IpAddr> {
    let mut votes: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for observation in members {
        if let Some(near) = observation.near() {
            *votes.entry(near).or_default() += 1;
        }
    }
    votes.into_iter().max_by_key(|(near, count)| (*count, std::cmp::Reverse(*near))).map(|(near, _)| near)
}

fn evidence(best: &Observation) -> Vec<String> {
    let Some(detail) = &best.detail else { return Vec::new() };
    let mut lines = detail.evidence.clone();
    if lines.is_empty() && !detail.said.is_empty() {
        lines.push(detail.said.clone());
    }
    let mut seen = BTreeSet::new();
    lines.retain(|line| seen.insert(line.clone()));
    lines.truncate(EVIDENCE);
    lines
}

/// How often each name occurs.
#[derive(Default)]
struct Votes<'a>(BTreeMap<&'a str, usize>);

impl<'a> Votes<'a> {
    fn add(&mut self, name: Option<&'a str>) {
        if let Some(name) = name {
            *self.0.entry(name).or_default() += 1;
        }
    }

    /// The name that occurs most, the first of equals in the alphabet.
    fn most(self) -> Option<String> {
        let best =
            self.0.into_iter().max_by(|one, other| one.1.cmp(&other.1).then_with(|| other.0.cmp(one.0)));
        best.map(|(name, _)| name.to_owned())
    }
}

fn names<'a>(members: impl Iterator<Item = &'a Observation>) -> Names {
    let (mut authorities, mut vendors, mut portals, mut proxies, mut resolvers) =
        (Votes::default(), Votes::default(), Votes::default(), Votes::default(), Votes::default());
    let (mut hellos, mut only_hellos) = (Votes::default(), true);
    let mut code = None;
    for observation in members {
        code = code.max(observation.code);
        if let Some(action) = observation.cause.as_ref().and_then(|cause| cause.action.as_ref()) {
            hellos.add(action.drops.as_deref());
            only_hellos &= action.drops.is_some();
            portals.add(action.url.as_deref());
            proxies.add(action.proxy.as_deref());
            resolvers.add(action.resolver.as_deref());
        }
        proxies.add(observation.egress.as_ref().and_then(|egress| egress.proxy.as_deref()));
        for line in observation.detail.iter().flat_map(|detail| &detail.evidence) {
            vendors.add(cause_text::vendor(line));
        }
        let Some(marks) = &observation.marks else { continue };
        let intercepted = marks.trust.as_deref() != Some("public");
        authorities.add(marks.issuer.as_deref().filter(|_| intercepted));
        // Some issuers are known by what they call themselves: a description, and no product.
        vendors.add(marks.vendor.as_deref().filter(|name| !name.starts_with("a ")));
        vendors.add(marks.page.as_deref().and_then(cause_text::page_vendor));
        if observation.reason() == Some(Reason::CaptivePortal) {
            portals.add(marks.location.as_deref());
        }
        resolvers.add(marks.resolver.as_deref());
    }
    Names {
        authority: authorities.most(),
        vendor: vendors.most(),
        portal: portals.most(),
        proxy: proxies.most(),
        resolver: resolvers.most(),
        drops: hellos.most().filter(|_| only_hellos),
        code,
        ..Names::default()
    }
}

/// What observations cover: the first hosts with their addresses, protocol and port ranges, and how many observations are
/// of other hosts.
pub(super) fn destinations<'a>(members: impl Iterator<Item = &'a Observation>) -> (Vec<Destination>, u64) {
    type Cover = (BTreeSet<String>, Vec<u16>);
    let mut hosts: BTreeMap<(&str, &str), Cover> = BTreeMap::new();
    let mut unnamed = 0;
    for observation in members {
        let key = (observation.endpoint.host(), observation.endpoint.transport());
        if hosts.len() >= HOSTS && !hosts.contains_key(&key) {
            unnamed += 1;
            continue;
        }
        let (addresses, numbers) = hosts.entry(key).or_default();
        addresses.extend(observation.address().filter(|_| !observation.proxied()).map(|ip| ip.to_string()));
        numbers.extend(observation.port());
    }
    let destination = |((host, protocol), (addresses, numbers)): ((&str, &str), Cover)| Destination {
        host: host.to_owned(),
        addresses: addresses.into_iter().collect(),
        protocol: protocol.to_owned(),
        ports: ports::text(numbers),
    };
    (hosts.into_iter().map(destination).collect(), unnamed)
}
