//! Which clocks of a message's way are believed: those that do not contradict the others.

/// Seconds by which clocks that are right may differ.
pub const TOLERANCE: i64 = 60;
/// Clocks of both sides that agree this well are both right: a wrong one would have to be wrong by just that much.
const AGREEMENT: i64 = 120;

/// A time and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The hop; none for the `Date` field.
    pub hop: Option<usize>,
    /// Seconds since 1970 UTC.
    pub time: i64,
    /// Whether the clock is the sender's.
    pub of_sender: bool,
}

/// The stamps that are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Believed {
    /// They, oldest first.
    pub stamps: Vec<Stamp>,
    /// Whether nothing else fits as well.
    pub decided: bool,
}

/// Chooses the largest set of stamps that never run backwards by more than the tolerance. Where several sets are equally
/// large and tell different stories, the one is chosen in which both sides agree on the time; else nothing is decided.
#[must_use]
pub fn believe(stamps: &[Stamp]) -> Believed {
    let shortest = chains(stamps, |candidate, best| candidate > best);
    let longest = chains(stamps, |candidate, best| candidate < best);
    let most = shortest.iter().map(|chain| chain.length).max().unwrap_or(0);
    let span = |chain: &&Chain| stamps[chain.end].time.saturating_sub(chain.start).max(0);
    let best = shortest.iter().filter(|chain| chain.length == most).min_by_key(span);
    let worst = longest.iter().filter(|chain| chain.length == most).max_by_key(span);
    let (Some(best), Some(worst)) = (best, worst) else {
        return Believed { stamps: Vec::new(), decided: true };
    };
    let kept = collect(stamps, &shortest, best);
    let both = kept.iter().any(|stamp| stamp.of_sender) && kept.iter().any(|stamp| !stamp.of_sender);
    let same_story = span(&worst).saturating_sub(span(&best)) <= TOLERANCE;
    let decided = same_story || (both && span(&best) <= AGREEMENT);
    Believed { stamps: kept, decided }
}

/// The best chain that ends at a stamp.
#[derive(Clone, Copy, Debug)]
struct Chain {
    end: usize,
    length: usize,
    start: i64,
    before: Option<usize>,
}

/// For each stamp the longest chain that ends there; of several the one whose start is preferred.
fn chains(stamps: &[Stamp], prefer: impl Fn(i64, i64) -> bool) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::with_capacity(stamps.len());
    for (end, stamp) in stamps.iter().enumerate() {
        let mut best = Chain { end, length: 1, start: stamp.time, before: None };
        for before in &chains {
            let follows = stamp.time >= stamps[before.end].time.saturating_sub(TOLERANCE);
            let better = before.length + 1 > best.length
                || (before.length + 1 == best.length && prefer(before.start, best.start));
            if follows && better {
                best =
                    Chain { end, length: before.length + 1, start: before.start, before: Some(before.end) };
            }
        }
        chains.push(best);
    }
    chains
}

fn collect(stamps: &[Stamp], chains: &[Chain], last: &Chain) -> Vec<Stamp> {
    let mut kept = Vec::with_capacity(last.length);
    let mut next = Some(last.end);
    while let Some(at) = next {
        kept.push(stamps[at]);
        next = chains[at].before;
    }
    kept.reverse();
    kept
}
