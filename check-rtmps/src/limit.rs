//! How many handshakes one address sees at once, and how fast connections to one host follow each other.
//!
//! A sweep over 51 ports must not look like an attack. A place is taken before the SYN is sent: a service gives a
//! client only so long for its handshake, and a connection that waits in line uses that time up. A SYN or a handshake
//! that stays unanswered gives its place back, so that ports where packets are dropped do not hold up the others: they
//! keep no service busy.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use netcheck_common::clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// From one connection to a host to the next.
const SPACING: Duration = Duration::from_millis(2);
/// How many hosts are remembered before those that are done with are forgotten.
const REMEMBERED: usize = 1024;
/// How long an unanswered SYN or handshake keeps its place.
const ANSWER: Duration = Duration::from_millis(500);
/// The same at an address where the last one stayed unanswered.
const SILENT_ANSWER: Duration = Duration::from_millis(100);
/// As many times the connection's own time a handshake may take: round trips of TLS and RTMP, and some to spare.
const ROUND_TRIPS: u32 = 6;

/// A place at one address; it is free again when dropped.
pub type Permit = OwnedSemaphorePermit;

/// The places at each address.
#[derive(Debug, Default)]
pub struct ConnectionLimit {
    addresses: Mutex<HashMap<String, Arc<AddressLimit>>>,
}

/// The places at one address.
#[derive(Debug)]
pub struct AddressLimit {
    free: Arc<Semaphore>,
    /// The last SYN to this address stayed unanswered.
    silent: AtomicBool,
    /// The last handshake with this address did.
    unanswered: AtomicBool,
}

impl ConnectionLimit {
    /// The places at that address, `most` of them.
    pub fn at(&self, address: String, most: usize) -> Arc<AddressLimit> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if addresses.len() >= REMEMBERED {
            addresses.retain(|_, places| Arc::strong_count(places) > 1 || places.is_used(most));
        }
        let fresh = || AddressLimit {
            free: Arc::new(Semaphore::new(most)),
            silent: AtomicBool::new(false),
            unanswered: AtomicBool::new(false),
        };
        Arc::clone(addresses.entry(address).or_insert_with(|| Arc::new(fresh())))
    }
}

impl AddressLimit {
    fn is_used(&self, most: usize) -> bool {
        self.free.available_permits() < most
    }

    /// Waits for a place, for at most `bound`.
    pub async fn take(&self, bound: Duration) -> Option<Permit> {
        clock::within(bound, Arc::clone(&self.free).acquire_owned()).await?.ok()
    }

    /// A place, if one is free.
    pub fn take_free(&self) -> Option<Permit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// How long an unanswered SYN keeps its place here.
    pub fn patience(&self) -> Duration {
        if self.silent.load(Ordering::Relaxed) { SILENT_ANSWER } else { ANSWER }
    }

    /// Notes whether a SYN was answered within [`AddressLimit::patience`].
    pub fn note(&self, answered: bool) {
        self.silent.store(!answered, Ordering::Relaxed);
    }
}

/// A handshake's place at an address.
#[derive(Debug)]
pub struct Place {
    /// None where a silence has given it back.
    permit: Option<Permit>,
    at: Arc<AddressLimit>,
    patience: Duration,
}

impl Place {
    /// The place that `permit` gives at that address.
    pub fn new(permit: Permit, at: Arc<AddressLimit>) -> Self {
        let least = if at.unanswered.load(Ordering::Relaxed) { SILENT_ANSWER } else { ANSWER };
        Place { permit: Some(permit), at, patience: least }
    }

    /// Over a connection that took so long to open, an answer may take longer.
    pub fn over(self, connected: Duration) -> Self {
        Place { patience: self.patience.max(connected * ROUND_TRIPS), ..self }
    }

    /// Does `work`, in this place for as long as an answer takes.
    pub async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        if self.permit.is_none() {
            return work.await;
        }
        let early = clock::within(self.patience, &mut work).await;
        self.at.unanswered.store(early.is_none(), Ordering::Relaxed);
        match early {
            Some(done) => done,
            None => {
                self.permit = None;
                work.await
            }
        }
    }
}

/// Spaces the connections to each host.
#[derive(Debug, Default)]
pub struct Pacer {
    next: Mutex<HashMap<String, Instant>>,
}

impl Pacer {
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
            let limit = ConnectionLimit::default();
            let soon = Duration::from_millis(1);
            let (a, b) = (limit.at("a".into(), 2), limit.at("b".into(), 2));
            let first = a.take(soon).await;
            let _second = a.take(soon).await.unwrap();
            assert!(a.take(soon).await.is_none() && a.take_free().is_none());
            assert!(b.take(soon).await.is_some());
            drop(first);
            assert!(limit.at("a".into(), 2).take_free().is_some());
        });
    }

    #[test]
    fn a_silent_address_keeps_a_place_for_a_shorter_time() {
        let places = ConnectionLimit::default().at("a".into(), 1);
        assert_eq!(places.patience(), ANSWER);
        places.note(false);
        assert_eq!(places.patience(), SILENT_ANSWER);
        places.note(true);
        assert_eq!(places.patience(), ANSWER);
    }

    #[test]
    fn addresses_that_are_done_with_are_forgotten() {
        run(async {
            let (limit, pacer) = (ConnectionLimit::default(), Pacer::default());
            let held = limit.at("held".into(), 1).take_free();
            for n in 0..3 * REMEMBERED {
                limit.at(n.to_string(), 1).take_free();
                pacer.wait(n.to_string()).await;
            }
            assert!(limit.addresses.lock().unwrap().len() <= REMEMBERED);
            assert!(limit.at("held".into(), 1).take_free().is_none());
            drop(held);
        });
    }

    #[test]
    fn connections_to_one_host_are_spaced() {
        run(async {
            let pacer = Pacer::default();
            let begun = clock::now();
            for _ in 0..6 {
                pacer.wait("one".into()).await;
            }
            assert!(begun.elapsed() >= SPACING * 5);
        });
    }
}
