//! The names of a run that are remembered: a bounded number, the ones in use always among them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::sync::OnceCell;

use super::lookup::Lookup;
use crate::lock;

/// How many names are remembered.
const MOST: usize = 4096;

/// What is known of a name.
type Cell<T> = Arc<OnceCell<T>>;
/// A name's lookup, made once, and when it ended.
pub(super) type Ended = (Instant, Arc<Lookup>);

/// Names and what is known of them, the oldest forgotten first.
#[derive(Debug)]
pub(super) struct Names<T> {
    known: Arc<Mutex<Known<T>>>,
}

#[derive(Debug)]
struct Known<T> {
    cells: HashMap<Arc<str>, Cell<T>>,
    order: VecDeque<Arc<str>>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Names { known: Arc::new(Mutex::new(Known { cells: HashMap::new(), order: VecDeque::new() })) }
    }
}

impl<T> Names<T> {
    /// The cell of a name, empty where `stale` says of what is known that it no longer counts.
    pub(super) fn cell(&self, name: &str, stale: impl Fn(&T) -> bool) -> Cell<T> {
        let mut known = lock(&self.known);
        if let Some(cell) = known.cells.get_mut(name) {
            if cell.get().is_some_and(stale) {
                *cell = Cell::default();
            }
            return Arc::clone(cell);
        }
        known.forget();
        let (name, cell): (Arc<str>, Cell<T>) = (name.into(), Cell::default());
        known.order.push_back(Arc::clone(&name));
        known.cells.insert(name, Arc::clone(&cell));
        cell
    }
}

impl<T> Known<T> {
    /// Makes room for one more name; those that somebody waits for stay.
    fn forget(&mut self) {
        for _ in 0..self.order.len().min(64) {
            if self.order.len() < MOST {
                return;
            }
            let Some(oldest) = self.order.pop_front() else { return };
            if self.cells.get(&oldest).is_some_and(|cell| Arc::strong_count(cell) > 1) {
                self.order.push_back(oldest);
            } else {
                self.cells.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_number_of_names_is_remembered_and_those_in_use_among_them() {
        let names = Names::<u8>::default();
        let waited_for = names.cell("first.example", |_| false);
        for number in 0..3 * MOST {
            drop(names.cell(&format!("{number}.example"), |_| false));
        }
        let known = lock(&names.known);
        assert_eq!((known.cells.len(), known.order.len()), (MOST, MOST));
        assert!(Arc::ptr_eq(&known.cells["first.example"], &waited_for));
    }
}
