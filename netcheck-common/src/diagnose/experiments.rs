//! The control experiments of a run, each made once and shared by all targets.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::trail::{self, Trail};
use crate::clock;
use crate::net::Net;
use crate::tcp::{self, Reach};

/// How many results are remembered, and how many paths are traced in one run: a bound on memory and packets.
const REMEMBERED: usize = 4096;
const TRACED: usize = 512;
/// Ports that most services have open, asked as control.
const SIBLINGS: [u16; 2] = [443, 80];

/// Results by key, each made once.
#[derive(Debug)]
pub(super) struct Memo<K, V> {
    cells: Mutex<HashMap<K, Arc<OnceCell<V>>>>,
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Memo { cells: Mutex::default() }
    }
}

impl<K: Hash + Eq, V: Clone> Memo<K, V> {
    pub(super) async fn get(&self, key: K, make: impl Future<Output = V>) -> V {
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            if cells.len() >= REMEMBERED {
                cells.clear();
            }
            Arc::clone(cells.entry(key).or_default())
        };
        cell.get_or_init(|| make).await.clone()
    }
}

/// What was found out in a run besides the records.
#[derive(Debug, Default)]
pub struct Experiments {
    open: Mutex<HashMap<IpAddr, u16>>,
    reached: AtomicBool,
    traced: AtomicUsize,
    trails: Memo<SocketAddr, Trail>,
    datagrams: Memo<SocketAddr, Trail>,
    siblings: Memo<IpAddr, Vec<u16>>,
    pub(super) distances: Memo<SocketAddr, Option<u8>>,
    pub(super) resolver: Memo<(), super::rules::name::Sanity>,
    pub(super) issuers: Mutex<HashMap<String, Vec<String>>>,
    pub(super) dates: Memo<IpAddr, Option<i64>>,
}

impl Experiments {
    /// Notes a connection that stood: a control for later failures.
    pub(crate) fn stood(&self, to: SocketAddr) {
        self.reached.store(true, Ordering::Relaxed);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() < REMEMBERED {
            open.entry(to.ip()).or_insert(to.port());
        }
    }

    /// Whether any connection of this run stood.
    pub(crate) fn reached(&self) -> bool {
        self.reached.load(Ordering::Relaxed)
    }

    /// A port that stood on this address in this run.
    fn known_open(&self, address: IpAddr, except: u16) -> Option<u16> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&address).copied().filter(|port| *port != except)
    }
}

impl Net {
    /// Begins, beside a silent connection attempt, what its explanation will ask for.
    pub(crate) fn look_ahead(&self, to: SocketAddr) {
        let net = self.aside();
        drop(tokio::spawn(async move {
            let sibling = async {
                if let Some(port) = net.sibling(to).await {
                    net.trail(SocketAddr::new(to.ip(), port)).await;
                }
            };
            tokio::join!(net.trail(to), sibling);
        }));
    }

    /// The hops towards an address and port.
    pub async fn trail(&self, to: SocketAddr) -> Trail {
        let experiments = &self.shared.experiments;
        let trace = async {
            if experiments.traced.fetch_add(1, Ordering::Relaxed) >= TRACED {
                return Trail::default();
            }
            trail::trace(self, to).await
        };
        experiments.trails.get(to, trace).await
    }

    /// The hops that datagrams to an address and port pass.
    pub async fn datagram_trail(&self, to: SocketAddr) -> Trail {
        let experiments = &self.shared.experiments;
        let trace = async {
            if experiments.traced.fetch_add(1, Ordering::Relaxed) >= TRACED {
                return Trail::default();
            }
            trail::trace_datagrams(self, to).await
        };
        experiments.datagrams.get(to, trace).await
    }

    /// Another port of the same address that is open.
    pub async fn sibling(&self, to: SocketAddr) -> Option<u16> {
        let experiments = &self.shared.experiments;
        if let Some(port) = experiments.known_open(to.ip(), to.port()) {
            return Some(port);
        }
        let wait = self.timeout().mul_f64(0.4);
        let ask = async {
            let one = |port: u16| async move {
                let attempt = tcp::attempt(self.origin(), SocketAddr::new(to.ip(), port), Reach::default());
                matches!(clock::within(wait, attempt).await, Some(Ok(_))).then_some(port)
            };
            let (first, second) = tokio::join!(one(SIBLINGS[0]), one(SIBLINGS[1]));
            first.into_iter().chain(second).collect::<Vec<_>>()
        };
        let open = experiments.siblings.get(to.ip(), ask).await;
        open.into_iter().find(|port| *port != to.port())
    }
}
