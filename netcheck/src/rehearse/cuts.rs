//! What the ends of connections have in common: an age, an idle time, a moment, or nothing.
//!
//! A pure function over what was measured. A pattern is named only where chance does not explain it and nothing
//! contradicts it; everything else stays unexplained.

use crate::target::{Place, site};

/// The most that a common age may differ, in seconds; long ages may differ by a five-hundredth.
const TOLERANCE: f64 = 0.5;
/// Connections that end this close together end at the same moment, in seconds.
const SAME_MOMENT: f64 = 1.0;
/// How far from a cut a change of the system may be noticed, in seconds.
const NEAR_CHANGE: f64 = 2.5;
/// A pattern that chance produces more often than that is none.
const CHANCE: f64 = 0.01;
/// How exactly ages are known at best, in seconds.
const CLOCK: f64 = 0.2;

/// How a connection was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    /// Something was sent all the time: pings, or a stream.
    Active,
    /// Nothing was sent.
    Idle,
}

/// One connection from its opening to its end, in seconds since the rehearsal began.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Life {
    /// The target.
    pub(super) target: String,
    /// The proxy it went through; `None` where it went directly.
    pub(super) proxy: Option<String>,
    /// How it was used.
    pub(super) usage: Usage,
    /// When it was opened.
    pub(super) opened: f64,
    /// When it was known to be alive for the last time.
    pub(super) alive: f64,
    /// When its end was noticed; `None` where it was alive to the last.
    pub(super) ended: Option<f64>,
    /// Whether only the service itself can have ended it.
    pub(super) by_service: bool,
}

impl Life {
    /// Its age at its end: more than the first, at most the second.
    fn age(&self) -> Option<(f64, f64)> {
        Some((self.alive - self.opened, self.ended? - self.opened))
    }

    /// The age that it reached for certain.
    fn reached(&self) -> f64 {
        self.alive - self.opened
    }
}

/// What connections have in common.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pattern {
    /// All end at the same age, whatever is sent on them; in seconds.
    Lifetime { low: f64, high: f64 },
    /// Those that are idle for so long end, and active ones do not; in seconds.
    Idle { low: f64, high: f64 },
    /// They ended at the same moment, in seconds since the rehearsal began, and these changes were noticed then.
    Moment { from: f64, to: f64, changes: Vec<usize> },
    /// Nothing.
    Unexplained,
}

/// What a pattern holds for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Every connection through this proxy.
    Proxy(String),
    /// Every connection that goes directly, whatever its destination.
    Direct,
    /// Every connection to this target.
    Target(String),
    /// These connections.
    Several,
}

/// A pattern and the connections that have it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    /// What they have in common.
    pub(super) pattern: Pattern,
    /// What it holds for.
    pub(super) scope: Scope,
    /// Their positions among all, in order.
    pub(super) lives: Vec<usize>,
}

/// Names the pattern of every end; `changes` are the moments at which the system changed.
pub(super) fn patterns(lives: &[Life], changes: &[f64]) -> Vec<Finding> {
    let mut left: Vec<usize> = (0..lives.len()).filter(|at| lives[*at].ended.is_some()).collect();
    let mut findings = Vec::new();
    let mut take = |finding: Finding, left: &mut Vec<usize>| {
        left.retain(|at| !finding.lives.contains(at));
        findings.push(finding);
    };
    for scope in scopes(lives) {
        while let Some(found) = lifetime(lives, &left, &scope) {
            take(found, &mut left);
        }
    }
    for scope in scopes(lives) {
        while let Some(found) = idle_timeout(lives, &left, &scope) {
            take(found, &mut left);
        }
    }
    while let Some(found) = moment(lives, &left, changes) {
        take(found, &mut left);
    }
    if !left.is_empty() {
        findings.push(Finding { pattern: Pattern::Unexplained, scope: Scope::Several, lives: left });
    }
    findings
}

/// The widest scopes first: a path that several sites share, then each target.
fn scopes(lives: &[Life]) -> Vec<Scope> {
    let mut scopes = Vec::new();
    let mut paths: Vec<&Option<String>> = Vec::new();
    for life in lives {
        if !paths.contains(&&life.proxy) {
            paths.push(&life.proxy);
        }
    }
    for path in paths {
        let mut sites: Vec<String> = lives.iter().filter(|life| life.proxy == *path).map(site_of).collect();
        sites.sort();
        sites.dedup();
        match path {
            Some(proxy) => scopes.push(Scope::Proxy(proxy.clone())),
            None if sites.len() > 1 => scopes.push(Scope::Direct),
            None => {}
        }
    }
    for life in lives {
        let scope = Scope::Target(life.target.clone());
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}

fn site_of(life: &Life) -> String {
    site(&Place::of(&life.target).host)
}

fn covers(scope: &Scope, life: &Life) -> bool {
    match scope {
        Scope::Proxy(proxy) => life.proxy.as_ref() == Some(proxy),
        Scope::Direct => life.proxy.is_none(),
        Scope::Target(target) => life.target == *target,
        Scope::Several => true,
    }
}

/// How much ages of about `age` may differ.
fn tolerance(age: f64) -> f64 {
    TOLERANCE.max(age * 0.002)
}

/// Active connections that end at the same age, at different moments, and none that lived longer.
fn lifetime(lives: &[Life], left: &[usize], scope: &Scope) -> Option<Finding> {
    let active = |life: &Life| covers(scope, life) && life.usage == Usage::Active;
    let ended: Vec<usize> = left.iter().copied().filter(|at| active(&lives[*at])).collect();
    let best = common_age(lives, &ended)?;
    let Agreement { members, low, high } = best;
    let allowed = tolerance(high);
    let outlived = lives.iter().filter(|life| active(life)).any(|life| life.reached() > high + allowed);
    if outlived || !is_wide(scope, &members, lives) {
        return None;
    }
    let moments = distinct_moments(lives, &members);
    if moments < 3 || by_chance(lives, &members, ended.len(), moments) > CHANCE {
        return None;
    }
    // Idle ones of the same age end for the same reason.
    let mut all = members;
    let alike =
        |life: &Life| life.age().is_some_and(|(low, end)| low <= high + allowed && end >= high - allowed);
    all.extend(left.iter().filter(|at| {
        let life = &lives[**at];
        covers(scope, life) && life.usage == Usage::Idle && alike(life)
    }));
    all.sort_unstable();
    Some(Finding { pattern: Pattern::Lifetime { low, high }, scope: scope.clone(), lives: all })
}

/// A scope of several sites needs connections of more than one of them, unless a proxy has only one.
fn is_wide(scope: &Scope, members: &[usize], lives: &[Life]) -> bool {
    match scope {
        Scope::Direct => {
            let first = members.first().map(|at| site_of(&lives[*at]));
            members.iter().any(|at| Some(site_of(&lives[*at])) != first)
        }
        Scope::Proxy(_) | Scope::Target(_) | Scope::Several => true,
    }
}

/// Connections whose ages agree.
struct Agreement {
    members: Vec<usize>,
    low: f64,
    high: f64,
}

/// The largest group of ends whose ages agree.
fn common_age(lives: &[Life], ended: &[usize]) -> Option<Agreement> {
    let mut best: Option<Agreement> = None;
    for anchor in ended {
        let Some((_, age)) = lives[*anchor].age() else { continue };
        let allowed = tolerance(age);
        let agrees = |at: &&usize| {
            lives[**at].age().is_some_and(|(low, high)| low <= age + allowed && high >= age - allowed)
        };
        let members: Vec<usize> = ended.iter().filter(agrees).copied().collect();
        let ages = || members.iter().filter_map(|at| lives[*at].age());
        let low = ages().map(|(low, _)| low).fold(0.0, f64::max);
        let high = ages().map(|(_, high)| high).fold(f64::INFINITY, f64::min);
        let (low, high) = (low.min(high), low.max(high));
        if high - low <= 2.0 * allowed && best.as_ref().is_none_or(|best| members.len() > best.members.len())
        {
            best = Some(Agreement { members, low, high });
        }
    }
    best
}

/// How many different moments the ends came at: what ends together is one event.
fn distinct_moments(lives: &[Life], members: &[usize]) -> usize {
    let mut ends: Vec<f64> = members.iter().filter_map(|at| lives[*at].ended).collect();
    ends.sort_by(f64::total_cmp);
    let mut count = 0;
    let mut last = f64::NEG_INFINITY;
    for end in ends {
        if end > last + 2.0 * SAME_MOMENT {
            count += 1;
            last = end;
        }
    }
    count
}

/// How probable it is that so many independent ends agree so closely by chance, of all that ended.
fn by_chance(lives: &[Life], members: &[usize], all: usize, independent: usize) -> f64 {
    let ages = || members.iter().filter_map(|at| lives[*at].age());
    let youngest = ages().map(|(low, _)| low).fold(f64::INFINITY, f64::min);
    let oldest = ages().map(|(_, high)| high).fold(0.0, f64::max);
    let once = ((oldest - youngest + CLOCK) / oldest.max(CLOCK)).min(1.0);
    let repeats = i32::try_from(independent.saturating_sub(1)).unwrap_or(i32::MAX);
    #[expect(clippy::cast_precision_loss, reason = "a count of connections")]
    let tries = all as f64;
    once.powi(repeats) * tries
}

/// Idle connections that end after the same idle time while an active one lives longer, and none idle for longer.
fn idle_timeout(lives: &[Life], left: &[usize], scope: &Scope) -> Option<Finding> {
    let is_idle = |life: &Life| covers(scope, life) && life.usage == Usage::Idle;
    let ended: Vec<usize> = left.iter().copied().filter(|at| is_idle(&lives[*at])).collect();
    if ended.len() < 2 || !is_wide(scope, &ended, lives) {
        return None;
    }
    let age = |at: &usize| lives[*at].age().unwrap_or((0.0, f64::INFINITY));
    let high = ended.iter().map(|at| age(at).1).fold(f64::INFINITY, f64::min);
    let allowed = tolerance(high);
    let survivors = lives.iter().filter(|life| is_idle(life) && life.ended.is_none());
    let survived = survivors.map(Life::reached).fold(0.0, f64::max);
    // An end that shows itself has its moment; a silent one is found when the connection is used again.
    let shown: Vec<usize> = ended.iter().copied().filter(|at| age(at).1 - age(at).0 <= allowed).collect();
    let latest = ended.iter().map(|at| age(at).0).fold(0.0, f64::max);
    let agree = latest <= high + 2.0 * allowed && survived <= high + allowed;
    let proven = match shown.len() {
        0 | 1 => survived > 0.0,
        count => by_chance(lives, &shown, count, count) <= CHANCE,
    };
    // Every target with such an end has an active connection that lived longer.
    let outlives = |at: &usize| {
        let life = &lives[*at];
        let active = |other: &&Life| other.usage == Usage::Active && other.target == life.target;
        lives.iter().filter(active).any(|other| other.reached() > high + allowed)
    };
    if !agree || !proven || !ended.iter().all(outlives) {
        return None;
    }
    let low = survived.max(latest).min(high);
    Some(Finding { pattern: Pattern::Idle { low, high }, scope: scope.clone(), lives: ended })
}

/// Connections that ended together: most of those that were open, or beside a change of the system.
fn moment(lives: &[Life], left: &[usize], changes: &[f64]) -> Option<Finding> {
    for anchor in left {
        let Some(end) = lives[*anchor].ended else { continue };
        let together = |at: &&usize| {
            let life = &lives[**at];
            life.ended.is_some_and(|ended| life.alive <= end + SAME_MOMENT && ended >= end - SAME_MOMENT)
        };
        let members: Vec<usize> = left.iter().filter(together).copied().collect();
        // All were alive until the latest of these, and one had ended by the first of those.
        let last_alive = members.iter().map(|at| lives[*at].alive).fold(f64::NEG_INFINITY, f64::max);
        let first_end = members.iter().filter_map(|at| lives[*at].ended).fold(f64::INFINITY, f64::min);
        let (from, to) = (last_alive.min(first_end), last_alive.max(first_end));
        let noticed = |at: &f64| *at >= from - NEAR_CHANGE && *at <= to + NEAR_CHANGE;
        let near: Vec<usize> =
            (0..changes.len()).filter(|at| changes.get(*at).is_some_and(noticed)).collect();
        let open = lives.iter().filter(|life| life.opened < from && life.ended.unwrap_or(life.alive) >= from);
        let opened = |at: &usize| lives[*at].opened;
        let ages_differ = members.iter().map(opened).fold(f64::INFINITY, f64::min) + 2.0 * SAME_MOMENT
            < members.iter().map(opened).fold(f64::NEG_INFINITY, f64::max);
        let most = members.len() >= 3 && members.len() * 2 >= open.count() && ages_differ;
        if most || !near.is_empty() {
            let pattern = Pattern::Moment { from, to, changes: near };
            return Some(Finding { pattern, scope: Scope::Several, lives: members });
        }
    }
    None
}

#[cfg(test)]
#[path = "cuts_tests.rs"]
mod tests;
