//! The status of a requirement: the four words of the contract, and the rules by which targets become one.

use std::collections::BTreeSet;

use netcheck_record::cause::{Confidence, Reason, Who};
use netcheck_record::failure::Code;
use netcheck_record::record::Verdict;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ports;
use crate::records::{Counts, Observation};

/// Whether a requirement works from here, from good to bad.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Status {
    /// Every required target passed.
    #[serde(rename = "works")]
    Works,
    /// Usable, and something limits it.
    #[serde(rename = "works with limits")]
    Limited,
    /// Nothing shows whether it works.
    #[default]
    #[serde(rename = "not known")]
    NotKnown,
    /// Not usable from here.
    #[serde(rename = "does not work")]
    DoesNotWork,
}

/// As many hosts that work in part are named.
const PARTS: usize = 24;

impl Status {
    /// Every status, from good to bad.
    pub(crate) const ALL: [Status; 4] =
        [Status::Works, Status::Limited, Status::NotKnown, Status::DoesNotWork];

    /// The words in tables and reports.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Status::Works => "works",
            Status::Limited => "works with limits",
            Status::NotKnown => "not known",
            Status::DoesNotWork => "does not work",
        }
    }

    /// Whether people can use it.
    pub(crate) fn usable(self) -> bool {
        self <= Status::Limited
    }
}

/// What one target says of its requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// It works.
    Pass,
    /// It can be used, with limits.
    Limited,
    /// A path was seen, and no service.
    PathOnly,
    /// Nothing could be found out.
    Unknown,
    /// It cannot be used.
    Fail,
}

/// What works beside a target in its requirement.
struct Siblings<'a> {
    /// Scheme and port of what can be used.
    alike: BTreeSet<(&'a str, Option<u16>)>,
    /// Whether anything works.
    any: bool,
}

impl<'a> Siblings<'a> {
    fn of(targets: &[&'a Observation]) -> Siblings<'a> {
        let usable = targets.iter().filter(|target| target.usable());
        Siblings {
            alike: usable.map(|target| (target.endpoint.scheme(), target.port())).collect(),
            any: targets.iter().any(|target| works(target)),
        }
    }
}

/// A status and what limits it.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) status: Status,
    /// What the status alone does not say.
    pub(super) limits: Vec<String>,
}

/// What a requirement's status depends on besides its targets.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules<'a> {
    /// Port ranges of its permits: a part of one may fail.
    pub(super) ranges: Vec<(u16, u16)>,
    /// What it means when only the fallback works.
    pub(super) fallback: Option<&'a str>,
}

/// The status of targets that count.
pub(super) fn judge(counted: &[&Observation], rules: &Rules) -> Judgement {
    let mut limits = Vec::new();
    if counted.is_empty() {
        return Judgement { status: Status::NotKnown, limits };
    }
    let of_kind = |kind: Counts| {
        counted.iter().copied().filter(|target| target.labels.counts == kind).collect::<Vec<_>>()
    };
    let (main, any, spare) = (of_kind(Counts::All), of_kind(Counts::Any), of_kind(Counts::Fallback));
    let mut status = None;
    if !spare.is_empty() {
        status = Some(with_fallback(&main, &spare, rules.fallback, &mut limits));
    } else if !main.is_empty() {
        status = Some(all(&main, &Siblings::of(counted), rules, &mut limits));
    }
    if !any.is_empty() {
        status = status.max(Some(one_of(&any, &mut limits)));
    }
    Judgement { status: status.unwrap_or(Status::NotKnown), limits }
}

/// Every one of them has to work; of a port range, a part has to.
fn all(main: &[&Observation], siblings: &Siblings, rules: &Rules, limits: &mut Vec<String>) -> Status {
    let silent: Vec<&Observation> = main.iter().copied().filter(|target| target.need_not_answer()).collect();
    let mut telling: Vec<&Observation> =
        main.iter().copied().filter(|target| !target.need_not_answer()).collect();
    telling.sort_by(|one, other| place(one).cmp(&place(other)));
    let (mut outcomes, mut parts, mut left_out) = (BTreeSet::new(), Vec::new(), 0);
    for targets in telling.chunk_by(|one, other| place(one) == place(other)) {
        let told: Vec<(Outcome, &Observation)> =
            targets.iter().filter_map(|target| Some((outcome(target, siblings)?, *target))).collect();
        left_out += targets.len() - told.len();
        if !told.is_empty() {
            outcomes.insert(of_place(&told, rules, &mut parts));
        }
    }
    unproven(&silent, limits);
    if left_out > 0 {
        limits.push(format!("{left_out} hosts that nobody confirmed did not answer and were left out"));
    }
    let more = parts.len().saturating_sub(PARTS);
    limits.extend(parts.into_iter().take(PARTS));
    if more > 0 {
        limits.push(format!("{more} more hosts work in part"));
    }
    let worst = outcomes.last().copied();
    let proven = outcomes.iter().any(|outcome| *outcome <= Outcome::Limited);
    match worst {
        Some(Outcome::Fail) => Status::DoesNotWork,
        Some(Outcome::Unknown) | None => Status::NotKnown,
        Some(Outcome::PathOnly) if !proven => {
            limits.push("refused on every port: a path is there, and no service was seen to work".to_owned());
            Status::NotKnown
        }
        Some(Outcome::Pass) if silent.is_empty() => Status::Works,
        Some(_) => Status::Limited,
    }
}

/// What a part of a port range may fail of.
fn place(target: &Observation) -> (&str, &str, &str) {
    (target.endpoint.scheme(), &target.labels.region, target.endpoint.host())
}

/// One host, protocol and region: a part of a port range may fail while the rest passes.
fn of_place(targets: &[(Outcome, &Observation)], rules: &Rules, limits: &mut Vec<String>) -> Outcome {
    let worst = targets.iter().map(|(outcome, _)| *outcome).max().unwrap_or(Outcome::Unknown);
    let best = targets.iter().map(|(outcome, _)| *outcome).min().unwrap_or(Outcome::Unknown);
    if worst <= Outcome::PathOnly || best > Outcome::Limited {
        return if worst == Outcome::PathOnly && best <= Outcome::Limited { Outcome::Limited } else { worst };
    }
    let tested: Vec<u16> = targets.iter().filter_map(|(_, target)| target.port()).collect();
    let good = |outcome: Outcome| outcome <= Outcome::Limited;
    let ports = |wanted: bool| {
        targets
            .iter()
            .filter(move |(outcome, _)| good(*outcome) == wanted)
            .filter_map(|(_, target)| target.port())
    };
    let sides = ports::ranges(tested);
    let within = |port: u16| range_of(port, &sides, rules);
    let open: BTreeSet<(u16, u16)> = ports(true).filter_map(within).collect();
    if !ports(false).all(|port| within(port).is_some_and(|range| open.contains(&range))) {
        return worst;
    }
    let target = targets.first().map(|(_, target)| *target);
    limits.push(format!(
        "{} {} of {} do not work",
        target.map_or("TCP", |target| target.endpoint.transport()),
        ports::text(ports(false)),
        target.map_or("", |target| target.endpoint.host())
    ));
    Outcome::Limited
}

/// The range a port belongs to: of the permits, else of the ports that were tested side by side.
fn range_of(port: u16, sides: &[(u16, u16)], rules: &Rules) -> Option<(u16, u16)> {
    let holds = |(first, last): &(u16, u16)| (*first..=*last).contains(&port) && first < last;
    if let Some(range) = rules.ranges.iter().copied().find(|range| holds(range)) {
        return Some(range);
    }
    sides.iter().copied().find(|range| holds(range) && range.1 - range.0 >= 2)
}

/// Services that need not answer and stayed silent.
fn unproven(silent: &[&Observation], limits: &mut Vec<String>) {
    let Some(first) = silent.first() else { return };
    limits.push(format!(
        "{} {} could not be tested: no answer, and the host asked need not give one",
        first.endpoint.transport(),
        ports::text(silent.iter().filter_map(|target| target.port()))
    ));
}

/// One of them is enough; the closed ports are named.
fn one_of(any: &[&Observation], limits: &mut Vec<String>) -> Status {
    let siblings = Siblings::of(any);
    let outcomes: Vec<Outcome> = any.iter().filter_map(|target| outcome(target, &siblings)).collect();
    let best = outcomes.iter().min().copied().unwrap_or(Outcome::Unknown);
    if best > Outcome::Limited {
        let worst = outcomes.iter().max().copied().unwrap_or(Outcome::Unknown);
        return if worst == Outcome::Fail { Status::DoesNotWork } else { Status::NotKnown };
    }
    let open: BTreeSet<u16> =
        any.iter().filter(|target| target.usable()).filter_map(|target| target.port()).collect();
    let mut closed: Vec<u16> = any.iter().filter_map(|target| target.port()).collect();
    closed.retain(|port| !open.contains(port));
    if !closed.is_empty() {
        limits.push(format!("one open port is enough; closed here: {}", ports::text(closed)));
    }
    let bad = outcomes.iter().filter(|outcome| **outcome > Outcome::Limited).count();
    if bad == 0 && best == Outcome::Pass && outcomes.iter().all(|outcome| *outcome == Outcome::Pass) {
        return Status::Works;
    }
    if limits.is_empty() && bad > 0 {
        limits.push(format!("{} of {} equivalent targets work", outcomes.len() - bad, outcomes.len()));
    }
    Status::Limited
}

/// The main ones have to work; the fallback keeps the requirement usable.
fn with_fallback(
    main: &[&Observation],
    spare: &[&Observation],
    text: Option<&str>,
    limits: &mut Vec<String>,
) -> Status {
    let count = |of: &[&Observation]| of.iter().filter(|target| works(target)).count();
    let whole = |of: &[&Observation]| of.iter().all(|target| target.verdict == Verdict::Pass);
    let ports = |of: &[&Observation]| {
        let transport = of.first().map_or("TCP", |target| target.endpoint.transport());
        format!("{transport} {}", ports::text(of.iter().filter_map(|target| target.port())))
    };
    match (count(main), count(spare)) {
        (good, spare_good) if good == main.len() && good > 0 && spare_good == spare.len() => {
            if whole(main) && whole(spare) { Status::Works } else { Status::Limited }
        }
        (good, _) if good == main.len() && good > 0 => {
            limits.push(format!("the fallback, {}, does not work everywhere", ports(spare)));
            Status::Limited
        }
        (good, _) if good > 0 => {
            limits.push(format!("{good} of {} hosts work on {}", main.len(), ports(main)));
            Status::Limited
        }
        (_, good) if good > 0 => {
            limits.push(
                text.map_or_else(|| format!("only the fallback works: {}", ports(spare)), str::to_owned),
            );
            Status::Limited
        }
        _ if main.iter().chain(spare).any(|target| target.verdict == Verdict::Fail) => Status::DoesNotWork,
        _ => Status::NotKnown,
    }
}

/// Whether a target can be used, and more than a path was seen.
fn works(target: &Observation) -> bool {
    target.usable() && !path_only(target)
}

/// Whether only a path was seen: refused by the service, or accepted by something nearer.
fn path_only(target: &Observation) -> bool {
    target.verdict == Verdict::Degraded
        && (target.reason() == Some(Reason::PortIdle) || target.code == Some(Code::TcpIntercepted))
}

/// What a target says; `None` when it says nothing about the network.
fn outcome(target: &Observation, siblings: &Siblings) -> Option<Outcome> {
    if target.need_not_answer() {
        return None;
    }
    let outcome = match target.verdict {
        _ if path_only(target) => Outcome::PathOnly,
        Verdict::Pass => Outcome::Pass,
        Verdict::Degraded => Outcome::Limited,
        // A control proved that the network keeps it silent.
        Verdict::Inconclusive if target.labels.known_to_answer == Some(false) => Outcome::Fail,
        Verdict::Inconclusive => Outcome::Unknown,
        Verdict::Fail => Outcome::Fail,
    };
    // What is lost at random is no block: the next try works.
    let lost = target.reason() == Some(Reason::LossyPath) && outcome == Outcome::Fail;
    // One of several servers that is silent leaves the others.
    let silent = target.silent() && target.layer() == "tcp" && target.confidence() == Some(Confidence::Low);
    let intermittent = silent && target.reason() == Some(Reason::ServiceDown);
    if intermittent && outcome == Outcome::Fail {
        return Some(Outcome::Limited);
    }
    if lost && siblings.any {
        return Some(Outcome::Limited);
    }
    if target.labels.confirmed == Some(false) && outcome != Outcome::Pass {
        return unconfirmed(target, outcome, siblings);
    }
    Some(outcome)
}

/// A host or path that nobody confirmed may not exist: it counts only where the network is shown to be at fault.
fn unconfirmed(target: &Observation, outcome: Outcome, siblings: &Siblings) -> Option<Outcome> {
    let cause = target.cause.as_ref();
    let shown = cause.is_some_and(|cause| {
        cause.confidence >= Confidence::Medium && !matches!(cause.who, Who::Service | Who::Unknown)
    });
    let services = cause.is_some_and(|cause| cause.who == Who::Service);
    if shown {
        return Some(outcome);
    }
    if services && target.verdict == Verdict::Degraded && !path_only(target) {
        // The service itself answered: the path to it is open.
        return Some(Outcome::Pass);
    }
    let absent = matches!(target.code, Some(Code::DnsNxdomain | Code::DnsNoAddress));
    let sibling_works = siblings.alike.contains(&(target.endpoint.scheme(), target.port()));
    if absent || services || sibling_works { None } else { Some(outcome) }
}
