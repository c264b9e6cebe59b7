//! How many handshakes one address sees at once, and how fast connections to one host follow each other.
//!
//! A sweep over 51 ports must not look like an attack. A place is taken only once the TCP connection stands, so a
//! port that stays silent holds none: 51 dropped ports still cost one timeout.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use netcheck_common::clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// From one connection to a host to the next.
const SPACING: Duration = Duration::from_millis(2);
/// How many hosts are remembered before those that are done with are forgotten.
const REMEMBERED: usize = 1024;

/// The places at each address.
#[derive(Debug, Default)]
pub struct Places {
    doors: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Places {
    /// Waits for one of `most` places at that address, for at most `bound`. The place is free again when dropped.
    pub async fn take(&self, address: String, most: usize, bound: Duration) -> Option<OwnedSemaphorePermit> {
        let door = {
            let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
            if doors.len() >= REMEMBERED {
                doors.retain(|_, door| Arc::strong_count(door) > 1);
            }
            Arc::clone(doors.entry(address).or_insert_with(|| Arc::new(Semaphore::new(most))))
        };
        clock::within(bound, door.acquire_owned()).await?.ok()
    }
}

/// Whose turn it is to connect.
#[derive(Debug, Default)]
pub struct Turns {
    next: Mutex<HashMap<String, Instant>>,
}

impl Turns {
    /// Waits until [`SPACING`] has passed since the last connection to that host.
    pub async fn wait(&self, host: String) {
        let now = clock::now();
        let mine = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            if next.len() >= REMEMBERED {
                next.retain(|_, turn| *turn > now);
            }
            let turn = next.entry(host).or_insert(now);
            let mine = (*turn).max(now);
            *turn = mine + SPACING;
            mine
        };
        if mine > now {
            clock::pause(mine - now).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
    }

    #[test]
    fn an_address_has_so_many_places_and_another_has_its_own() {
        run(async {
            let places = Places::default();
            let soon = Duration::from_millis(1);
            let first = places.take("a".into(), 2, soon).await;
            let _second = places.take("a".into(), 2, soon).await.unwrap();
            assert!(places.take("a".into(), 2, soon).await.is_none());
            assert!(places.take("b".into(), 2, soon).await.is_some());
            drop(first);
            assert!(places.take("a".into(), 2, soon).await.is_some());
        });
    }

    #[test]
    fn addresses_that_are_done_with_are_forgotten() {
        run(async {
            let (places, turns) = (Places::default(), Turns::default());
            let held = places.take("held".into(), 1, SPACING).await;
            for n in 0..3 * REMEMBERED {
                places.take(n.to_string(), 1, SPACING).await;
                turns.wait(n.to_string()).await;
            }
            assert!(places.doors.lock().unwrap().len() <= REMEMBERED);
            assert!(places.doors.lock().unwrap().contains_key("held"));
            assert!(places.take("held".into(), 1, SPACING).await.is_none());
            drop(held);
        });
    }

    #[test]
    fn connections_to_one_host_are_spaced() {
        run(async {
            let turns = Turns::default();
            let begun = clock::now();
            for _ in 0..6 {
                turns.wait("one".into()).await;
            }
            assert!(begun.elapsed() >= SPACING * 5);
        });
    }
}
