//! Results of experiments by key, each made once.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use netcheck_net::verbose;
use netcheck_record::escape;
use tokio::sync::OnceCell;

/// How many results are kept besides those in use: a bound on memory.
const KEPT: usize = 4096;
/// The most characters of an answer that `-v` tells.
const ANSWER: usize = 160;

/// Results by key, each made once. What a diagnosis waits for or has just asked for stays; of the rest the oldest goes
/// first, and is made again when it is asked for.
#[derive(Debug)]
pub(super) struct Memo<K, V> {
    cells: Mutex<Cells<K, V>>,
}

#[derive(Debug)]
struct Cells<K, V> {
    known: HashMap<K, (u64, Arc<OnceCell<V>>)>,
    clock: u64,
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Memo { cells: Mutex::new(Cells { known: HashMap::new(), clock: 0 }) }
    }
}

impl<K: Hash + Eq + Clone + Debug, V: Clone + Debug> Memo<K, V> {
    /// The answer to `question` about `key`, found once. The making is large, and exists only for the one who makes it:
    /// thousands may wait.
    pub(super) async fn get<F: Future<Output = V>>(
        &self,
        question: &'static str,
        key: K,
        make: impl FnOnce() -> F,
    ) -> V {
        let about = if verbose::is_on(1) { format!("{key:?}") } else { String::new() };
        let make = || async {
            let answer = Box::pin(make()).await;
            verbose::tell(1, || {
                let answer = format!("{answer:?}");
                format!("experiment: {question} ({about})? {}", escape::line(&answer, ANSWER))
            });
            answer
        };
        self.cell(key).get_or_init(make).await.clone()
    }

    /// What is known under `key` already.
    pub(super) fn known(&self, key: &K) -> Option<V> {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        cells.known.get(key)?.1.get().cloned()
    }

    fn cell(&self, key: K) -> Arc<OnceCell<V>> {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        cells.clock += 1;
        let now = cells.clock;
        if cells.known.len() >= KEPT * 2 && !cells.known.contains_key(&key) {
            cells.forget();
        }
        let (used, cell) = cells.known.entry(key).or_default();
        *used = now;
        Arc::clone(cell)
    }
}

impl<K: Hash + Eq + Clone, V> Cells<K, V> {
    /// Drops the results that were asked for longest ago and that nobody waits for.
    fn forget(&mut self) {
        let mut idle: Vec<(u64, K)> = self
            .known
            .iter()
            .filter(|(_, (_, cell))| Arc::strong_count(cell) == 1)
            .map(|(key, (used, _))| (*used, key.clone()))
            .collect();
        idle.sort_unstable_by_key(|(used, _)| *used);
        for (_, key) in idle.into_iter().take(KEPT) {
            self.known.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_waited_for_is_never_forgotten_whatever_else_is_asked() {
        let memo = Memo::<usize, usize>::default();
        let held = memo.cell(0);
        for key in 1..=KEPT * 4 {
            assert_eq!(memo.get("", key, || async { key }).await, key);
        }
        held.set(7).unwrap();
        assert_eq!(memo.known(&0), Some(7));
        assert_eq!(memo.known(&(KEPT * 4)), Some(KEPT * 4));
        assert_eq!(memo.known(&1), None);
        assert!(memo.cells.lock().unwrap().known.len() <= KEPT * 2);
    }
}
