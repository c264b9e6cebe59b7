//! The way a message took: how long it waited where, by clocks that need not agree.

use serde::Serialize;

use super::hop::Hop;

/// The most hops a record lists.
const LISTED: usize = 30;

/// A wait between two hops.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Wait {
    /// Who held the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Who took it at last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// For how long.
    pub seconds: i64,
    /// Hops after it, stamped by other hosts, whose clocks agree that it took this long.
    pub witnesses: usize,
    /// Whether the message was still with the organisation that sent it.
    pub origin: bool,
}

/// A hop whose clock the others contradict.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Skew {
    /// Whose clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Seconds it is ahead of the hop before it that can be believed (behind: negative).
    pub seconds: i64,
}

/// One hop as a record lists it.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Step {
    /// Who took the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Seconds since the hop before it; absent where a clock is missing or cannot be believed.
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
    /// From the first believable stamp to the last, in seconds; absent with fewer than two.
    pub total: Option<i64>,
    /// The longest wait.
    pub slowest: Option<Wait>,
    /// Clocks that contradict the others (the first thirty).
    pub skewed: Vec<Skew>,
    /// The hops, oldest first (the first thirty).
    pub steps: Vec<Step>,
    /// When the last hop took it, by its clock.
    pub arrived: Option<i64>,
}

impl Route {
    /// Reads the hops, oldest first.
    ///
    /// A message cannot arrive before it was sent, so the largest set of stamps that never run backwards is believed;
    /// the others come from clocks that are wrong, and the time across them is counted between their believed neighbours.
    #[must_use]
    pub fn of(hops: &[Hop]) -> Route {
        let dated: Vec<(usize, i64)> =
            hops.iter().enumerate().filter_map(|(at, hop)| Some((at, hop.time?))).collect();
        let believed = longest_rising(&dated);
        let mut route = Route { hops: hops.len(), undated: hops.len() - dated.len(), ..Route::default() };
        if let (Some((_, first)), Some((_, last))) = (believed.first(), believed.last()) {
            route.arrived = Some(*last);
            route.total = (believed.len() > 1).then(|| last.saturating_sub(*first));
        }
        route.slowest = slowest(hops, &believed);
        route.list(hops, &believed);
        route
    }

    fn list(&mut self, hops: &[Hop], believed: &[(usize, i64)]) {
        let mut believed = believed.iter().peekable();
        let mut before: Option<i64> = None;
        for (at, hop) in hops.iter().enumerate() {
            let trusted = believed.next_if(|(index, _)| *index == at).map(|(_, time)| *time);
            let seconds = trusted.zip(before).map(|(time, before)| time.saturating_sub(before));
            if let (None, Some(time), Some(before)) = (trusted, hop.time, before)
                && self.skewed.len() < LISTED
            {
                self.skewed.push(Skew { by: hop.by.clone(), seconds: time.saturating_sub(before) });
            }
            if self.steps.len() < LISTED {
                self.steps.push(Step { by: hop.by.clone(), seconds });
            }
            before = trusted.or(before);
        }
    }
}

fn slowest(hops: &[Hop], believed: &[(usize, i64)]) -> Option<Wait> {
    let waits = believed.windows(2).map(|pair| pair[1].1.saturating_sub(pair[0].1));
    let (at, seconds) = waits.enumerate().max_by_key(|(at, seconds)| (*seconds, std::cmp::Reverse(*at)))?;
    let (held, taken) = (&hops[believed[at].0], &hops[believed[at + 1].0]);
    let taker = organisation(taken.by.as_deref());
    let origin = organisation(hops.first().and_then(|hop| hop.by.as_deref()));
    let later = believed[at + 2..].iter().map(|(index, _)| &hops[*index]);
    Some(Wait {
        from: held.by.clone(),
        by: taken.by.clone(),
        seconds,
        witnesses: later.filter(|hop| hop.by.is_some() && hop.by != taken.by).count(),
        origin: taker.is_some() && taker == origin,
    })
}

/// The organisation a host belongs to, near enough to tell two apart: its last two labels, three under `co.uk` and its like.
fn organisation(host: Option<&str>) -> Option<&str> {
    let host = host.filter(|host| host.parse::<std::net::IpAddr>().is_err())?;
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let (last, second) = (dots.next()?, dots.next());
    let short = host.len() - last == 3 && last - second.map_or(0, |at| at + 1) <= 3;
    let cut = if short { dots.next() } else { second };
    Some(cut.map_or(host, |at| &host[at + 1..]))
}

/// The longest subsequence that never falls (patience sorting, O(n log n)).
fn longest_rising(stamps: &[(usize, i64)]) -> Vec<(usize, i64)> {
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(stamps.len());
    for (at, (_, time)) in stamps.iter().enumerate() {
        let pile = tails.partition_point(|&tail| stamps[tail].1 <= *time);
        before.push(pile.checked_sub(1).map(|under| tails[under]));
        if pile == tails.len() { tails.push(at) } else { tails[pile] = at }
    }
    let mut chain = Vec::with_capacity(tails.len());
    let mut next = tails.last().copied();
    while let Some(at) = next {
        chain.push(stamps[at]);
        next = before[at];
    }
    chain.reverse();
    chain
}
