//! How often callers come: each may come so many times in a minute.

use std::collections::HashMap;
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
/// The most offices that are counted at once.
const COUNTED: usize = 100_000;

/// How often callers came within the last minute.
#[derive(Debug, Default)]
pub(super) struct Rates {
    counts: HashMap<String, (Instant, u32)>,
}

impl Rates {
    /// Counts a request: whether it is one too many.
    pub(super) fn too_often(&mut self, name: &str, most: u32, now: Instant) -> bool {
        if self.counts.len() >= COUNTED {
            self.counts.retain(|_, (since, _)| now.saturating_duration_since(*since) < MINUTE);
        }
        let (since, count) = self.counts.entry(name.to_owned()).or_insert((now, 0));
        if now.saturating_duration_since(*since) >= MINUTE {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count > most
    }
}

#[cfg(test)]
mod tests {
    use netcheck_record::clock;

    use super::*;

    #[test]
    fn a_caller_is_refused_after_so_many_requests_in_a_minute_and_taken_again_in_the_next() {
        let mut rates = Rates::default();
        let now = clock::now();
        let answers: Vec<bool> = (0..4).map(|_| rates.too_often("a", 2, now)).collect();
        assert_eq!(answers, [false, false, true, true]);
        assert!(!rates.too_often("b", 2, now));
        assert!(!rates.too_often("a", 2, now + MINUTE));
    }
}
