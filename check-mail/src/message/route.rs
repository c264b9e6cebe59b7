//! The way a message took: how long it waited at which host, by clocks that need not agree.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::clocks::{self, Believed, Stamp, TOLERANCE};
use super::hostname::{is_local, organisation};
use super::received::Hop;
use super::sides::{Side, Sides};

/// The most hops a record lists.
const LISTED: usize = 30;
/// How near to whole hours a difference between two clocks has to be to look like a wrong time zone.
const NEAR_HOUR: i64 = 20;

/// A wait at one host.
#[derive(Clone, Debug, Default, Serialize, JsonSchema, PartialEq, Eq)]
pub struct Wait {
    /// The host that had the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The host that took it at last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The address the taker got it from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_address: Option<IpAddr>,
    /// The name of that address, as the message tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_alias: Option<String>,
    /// For how long.
    pub seconds: i64,
    /// Hops after it, stamped by hosts of other organisations, whose clocks agree that it took this long.
    pub agreeing: usize,
    /// Whether both hosts are the sender's.
    pub origin: bool,
    /// Hosts in between whose time is missing or not believed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub across: Vec<String>,
    /// The scanner inside the machine, where it was one that took the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scanner: Option<&'static str>,
    /// Whose the holder is.
    #[serde(skip)]
    pub holder: Side,
}

/// A hop whose clock the others contradict.
#[derive(Clone, Debug, Serialize, JsonSchema, PartialEq, Eq)]
pub struct Skew {
    /// Which hop, the oldest is 1.
    pub hop: usize,
    /// Whose clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Seconds it is ahead of the nearest clock that is believed (behind: negative).
    pub seconds: i64,
}

/// One hop as a record lists it.
#[derive(Clone, Debug, Serialize, JsonSchema, PartialEq, Eq)]
pub struct Step {
    /// Who took the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Seconds since the hop before it; absent where a clock is missing or not believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
}

/// The way a message took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// How many hops there are; a thousand at the most.
    pub hops: usize,
    /// How many of them have no date that can be read.
    pub undated: usize,
    /// From the first to the last hop, in seconds; absent where it is not known.
    pub total: Option<i64>,
    /// Why the total is not known.
    pub unknown: Option<String>,
    /// The longest wait.
    pub slowest: Option<Wait>,
    /// Clocks that the others contradict (the first thirty).
    pub skewed: Vec<Skew>,
    /// The hops, oldest first (the first thirty).
    pub steps: Vec<Step>,
    /// When the last believed hop took it, by its clock.
    pub arrived: Option<i64>,
    /// Seconds from the `Date` field to the first hop.
    pub before_first_hop: Option<i64>,
}

impl Route {
    /// Reads the hops, oldest first, beside the `Date` field. `told` says how long a gateway itself tells it put the message off.
    #[must_use]
    pub fn of(hops: &[Hop], sides: &Sides, written: Option<i64>, told: Option<u32>) -> Route {
        let is_sender = |at: usize| sides.hops.get(at) == Some(&Side::Sender);
        let date = written.map(|time| Stamp { hop: None, time, of_sender: true });
        let dated = hops
            .iter()
            .enumerate()
            .filter_map(|(at, hop)| Some(Stamp { hop: Some(at), time: hop.time?, of_sender: is_sender(at) }));
        let stamps: Vec<Stamp> = date.into_iter().chain(dated).collect();
        let believed = clocks::believe(&stamps);
        let undated = hops.iter().filter(|hop| hop.time.is_none()).count();
        let mut route = Route { hops: hops.len(), undated, ..Route::default() };
        route.list(hops, &believed);
        route.arrived = believed.stamps.last().map(|stamp| stamp.time);
        route.measure(hops, sides, &stamps, &believed, told);
        route
    }

    fn measure(
        &mut self,
        hops: &[Hop],
        sides: &Sides,
        stamps: &[Stamp],
        believed: &Believed,
        told: Option<u32>,
    ) {
        if hops.is_empty() {
            return;
        }
        let on_way: Vec<Stamp> =
            believed.stamps.iter().copied().filter(|stamp| stamp.hop.is_some()).collect();
        let date = believed.stamps.first().filter(|stamp| stamp.hop.is_none());
        if let (Some(date), Some(first)) = (date, on_way.first()) {
            let gap = first.time.saturating_sub(date.time).max(0);
            self.before_first_hop = Some(gap).filter(|gap| !is_whole_hours(*gap));
        }
        self.unknown = why_unknown(hops, stamps, believed);
        if self.unknown.is_some() {
            return;
        }
        let (Some(first), Some(last)) = (on_way.first(), on_way.last()) else { return };
        // Where the first hop is not believed, is the only one, or comes long after, the author's clock speaks for the sender.
        let late = |date: &&Stamp| first.time.saturating_sub(date.time) > TOLERANCE;
        let needed = |date: &&Stamp| first.hop != Some(0) || on_way.len() == 1 || late(date);
        let start = date.filter(|date| !first.of_sender && needed(date)).unwrap_or(first);
        let path = if start.hop.is_none() { &believed.stamps } else { &on_way };
        if path.len() < 2 {
            self.unknown = Some("only one host gives a time".to_owned());
            return;
        }
        let total = last.time.saturating_sub(start.time).max(0);
        self.slowest = slowest(hops, sides, path, total);
        self.unknown = unconfirmed(hops, start, first).or_else(|| {
            let wait = self.slowest.as_ref().filter(|wait| told.is_none() && looks_like_zone(wait))?;
            let hours = wait.seconds.saturating_add(NEAR_HOUR) / 3600;
            Some(format!(
                "the clocks of {} and {} differ by {hours} h: a wait of that length, or a clock that is wrong by whole hours",
                named(wait.from.as_deref()),
                named(wait.by.as_deref())
            ))
        });
        self.total = self.unknown.is_none().then_some(total);
    }

    fn list(&mut self, hops: &[Hop], believed: &Believed) {
        let at = |index: usize| believed.stamps.iter().find(|stamp| stamp.hop == Some(index));
        let mut before: Option<i64> =
            believed.stamps.first().filter(|stamp| stamp.hop.is_none()).map(|stamp| stamp.time);
        let mut previous: Option<i64> = None;
        let next = |index: usize| {
            believed.stamps.iter().find(|stamp| stamp.hop > Some(index)).map(|stamp| stamp.time)
        };
        for (index, hop) in hops.iter().enumerate() {
            let trusted = at(index).map(|stamp| stamp.time);
            let seconds = trusted.zip(previous).map(|(time, before)| time.saturating_sub(before).max(0));
            if let (None, Some(time), Some(near)) = (trusted, hop.time, before.or_else(|| next(index)))
                && self.skewed.len() < LISTED
            {
                self.skewed.push(Skew {
                    hop: index + 1,
                    by: hop.by.clone(),
                    seconds: time.saturating_sub(near),
                });
            }
            if self.steps.len() < LISTED {
                self.steps.push(Step { by: hop.by.clone(), seconds });
            }
            before = trusted.or(before);
            previous = trusted.or(previous);
        }
    }
}

/// Why the clocks do not tell how long it took.
fn why_unknown(hops: &[Hop], stamps: &[Stamp], believed: &Believed) -> Option<String> {
    let last = hops.len().checked_sub(1)?;
    let newest = named(hops[last].by.as_deref());
    let on_way = stamps.iter().filter(|stamp| stamp.hop.is_some()).count();
    if on_way == 0 {
        return Some("no hop has a time that can be read".to_owned());
    }
    if hops[last].time.is_none() {
        return Some(format!("the last hop, {newest}, has no time that can be read"));
    }
    if !believed.decided {
        return Some("the clocks contradict each other, and none is confirmed by others".to_owned());
    }
    let believes = |of_sender: bool| believed.stamps.iter().any(|stamp| stamp.of_sender == of_sender);
    let has = |of_sender: bool| stamps.iter().any(|stamp| stamp.of_sender == of_sender);
    let contradicted = (has(true) && !believes(true)) || (has(false) && !believes(false));
    if contradicted {
        return Some("the clocks of the receiving side contradict those of the sending side".to_owned());
    }
    let seen = believed.stamps.iter().any(|stamp| stamp.hop == Some(last));
    (!seen).then(|| format!("the clock of the last hop, {newest}, contradicts the clocks before it"))
}

fn slowest(hops: &[Hop], sides: &Sides, path: &[Stamp], total: i64) -> Option<Wait> {
    let waits = path.windows(2).map(|pair| pair[1].time.saturating_sub(pair[0].time).max(0));
    let (at, seconds) = waits.enumerate().max_by_key(|(at, seconds)| (*seconds, std::cmp::Reverse(*at)))?;
    let (held, taken) = (path[at].hop, path[at + 1].hop?);
    let taker = &hops[taken];
    let holder = held.map_or(Side::Sender, |held| sides.hops.get(held).copied().unwrap_or_default());
    let own = taker.by.as_deref().and_then(organisation);
    let later = path[at + 2..].iter().filter_map(|stamp| hops.get(stamp.hop?)?.by.as_deref());
    let independent = |by: &&str| !is_local(by) && organisation(by).is_some() && organisation(by) != own;
    let between = held.map_or(0, |held| held + 1)..taken;
    let holder_name = held.and_then(|held| hops[held].by.as_deref());
    // An address that the sender has too names no host of the receiver's.
    let border = hops.get(sides.first_external());
    let outside = border.filter(|hop| !hop.from.as_deref().is_some_and(|from| sides.is_receiver(from)));
    let outside = outside.and_then(|hop| hop.from_address);
    let address = taker.from_address.filter(|ip| !ip.is_loopback() && Some(*ip) != outside);
    let alias = |hop: &&Hop| {
        let same = address.is_some() && hop.from_address == address;
        same && hop.from.as_deref().is_some_and(|from| Some(from) != holder_name && sides.is_receiver(from))
    };
    Some(Wait {
        from: held.map_or_else(|| taker.from.clone(), |held| hops[held].by.clone()),
        by: taker.by.clone(),
        from_address: address,
        from_alias: hops[..=taken].iter().rev().find(alias).and_then(|hop| hop.from.clone()),
        // Clocks within the tolerance of each other may add up to more than the whole.
        seconds: seconds.min(total),
        agreeing: later.filter(independent).count(),
        origin: holder == Side::Sender && sides.hops.get(taken) == Some(&Side::Sender),
        across: hops[between].iter().take(LISTED).map(|hop| named(hop.by.as_deref())).collect(),
        scanner: taker.scanner,
        holder,
    })
}

/// Why a wait before the first hop is not known: the author's clock alone tells of it.
fn unconfirmed(hops: &[Hop], start: &Stamp, first: &Stamp) -> Option<String> {
    let gap = first.time.saturating_sub(start.time);
    let by = hops.get(first.hop?)?.by.as_deref();
    (start.hop.is_none() && gap > 2 * TOLERANCE).then(|| {
        format!(
            "the Date field is {gap} s before {} took the message, and no other clock tells where it was",
            named(by)
        )
    })
}

/// Whether a wait that the receiver's clocks alone show is as long as a time zone error.
fn looks_like_zone(wait: &Wait) -> bool {
    is_whole_hours(wait.seconds) && !wait.origin && wait.scanner.is_none() && wait.agreeing == 0
}

/// Whether a difference is one or more whole hours, near enough.
fn is_whole_hours(seconds: i64) -> bool {
    seconds >= 3600 - NEAR_HOUR && seconds.saturating_add(NEAR_HOUR) % 3600 <= 2 * NEAR_HOUR
}

/// A host as a sentence names it.
#[must_use]
pub fn named(host: Option<&str>) -> String {
    host.unwrap_or("a host without a name").to_owned()
}
