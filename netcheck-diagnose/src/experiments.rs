//! The control experiments of a run, each made once and shared by all targets.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::boundary::{self, Boundary};
use super::distance::{self, Distance};
use super::hello::{self, Outcome};
use super::rules::datagram::CONTROL_PORT;
use super::rules::name::Sanity;
use super::times::Times;
use super::trail::{self, Trail};
use super::walk::{self, Walk};
use crate::Diagnosis;
use netcheck_net::clock;
use netcheck_net::story;
use netcheck_net::tcp::{self, Reach};
use netcheck_record::target::{Host, Target};

/// How many results are remembered, and how many paths are traced in one run: a bound on memory and packets.
const REMEMBERED: usize = 4096;
const TRACED: usize = 512;
/// How many hops of a path are asked once more with other content.
const HOPS: usize = 16;
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

impl<K: Hash + Eq + Debug, V: Clone + Debug> Memo<K, V> {
    /// What is known under `key`, made once. The making is boxed before anything holds it: it is large, and rare.
    pub(super) fn get(&self, key: K, make: impl Future<Output = V>) -> impl Future<Output = V> {
        let about = if story::tells(1) { format!("{key:?}") } else { String::new() };
        let make = Box::pin(async move {
            let answer = make.await;
            story::tell(1, || format!("experiment {}{about}: {answer:?}", question::<V>()));
            answer
        });
        async move { self.cell(key).get_or_init(|| make).await.clone() }
    }

    /// What is known under `key` already.
    pub(super) fn known(&self, key: &K) -> Option<V> {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        cells.get(key)?.get().cloned()
    }

    fn cell(&self, key: K) -> Arc<OnceCell<V>> {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        if cells.len() >= REMEMBERED {
            cells.clear();
        }
        Arc::clone(cells.entry(key).or_default())
    }
}

/// What kind of answer an experiment gives, for `-v`: `trail`, `boundary`, …
fn question<V>() -> String {
    let name = std::any::type_name::<V>();
    let end = name.find('<').unwrap_or(name.len());
    name[..end].rsplit("::").next().unwrap_or(name).to_lowercase()
}

/// What was found out in a run besides the records.
#[derive(Debug, Default)]
pub struct Experiments {
    open: Mutex<HashMap<IpAddr, u16>>,
    reached: AtomicBool,
    reached_over_ipv6: AtomicBool,
    answered: AtomicBool,
    traced: AtomicUsize,
    trails: Memo<SocketAddr, Trail>,
    datagrams: Memo<SocketAddr, Trail>,
    hellos: Memo<(SocketAddr, String), Outcome>,
    walks: Memo<(SocketAddr, String), Walk>,
    routers: Memo<(IpAddr, u8), Option<IpAddr>>,
    siblings: Memo<IpAddr, Vec<u16>>,
    pub(super) distances: Memo<SocketAddr, Option<Distance>>,
    resets: Memo<(SocketAddr, String), Option<Distance>>,
    boundaries: Memo<SocketAddr, Boundary>,
    stand_ins: Memo<SocketAddr, Option<(u8, IpAddr)>>,
    outside: Memo<(), bool>,
    pub(super) resolver: Memo<(), Sanity>,
    pub(super) issuers: Mutex<HashMap<String, Vec<String>>>,
    pub(super) dates: Memo<SocketAddr, Option<i64>>,
    pub(crate) times: Times,
}

impl Experiments {
    /// Notes a connection that stood: a control for later failures.
    pub(crate) fn note_connected(&self, to: SocketAddr) {
        self.reached.store(true, Ordering::Relaxed);
        if to.is_ipv6() {
            self.reached_over_ipv6.store(true, Ordering::Relaxed);
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() < REMEMBERED {
            open.entry(to.ip()).or_insert(to.port());
        }
    }

    /// Notes a service that answered a datagram: a control for later silence.
    pub(crate) fn note_datagram_answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// Whether any connection of this run stood.
    pub(crate) fn reached(&self) -> bool {
        self.reached.load(Ordering::Relaxed)
    }

    /// Whether any connection of this run stood over IPv6.
    pub(crate) fn reached_over_ipv6(&self) -> bool {
        self.reached_over_ipv6.load(Ordering::Relaxed)
    }

    /// A port that stood on this address in this run.
    fn known_open(&self, address: IpAddr, except: u16) -> Option<u16> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&address).copied().filter(|port| *port != except)
    }
}

impl Diagnosis {
    /// Whether a service of this run answered a datagram: then UDP as such is not blocked.
    #[must_use]
    pub fn datagrams_pass(&self) -> bool {
        self.experiments.answered.load(Ordering::Relaxed)
    }

    /// Begins, beside a silent connection attempt, what its explanation will ask for.
    pub(crate) fn prefetch_connect(self, to: SocketAddr) {
        let net = self;
        drop(tokio::spawn(async move {
            let sibling = async {
                if let Some(port) = net.sibling(to).await {
                    net.trail(SocketAddr::new(to.ip(), port)).await;
                }
            };
            // Where nothing of this run has connected by now, all of the world may be out of reach: that is asked for
            // beside the trail, or the answer would come after the timeout.
            let outside = async {
                if !net.experiments.reached() {
                    net.outside_answers().await;
                }
            };
            let (trail, (), ()) = tokio::join!(net.trail(to), sibling, outside);
            net.boundary(to).await;
            if trail.hops.len() < 2 && trail.answered.is_none() {
                tokio::join!(net.router(to.ip(), 1), net.outside_answers());
            }
        }));
    }

    /// Begins, beside a silent handshake, what its explanation will ask for.
    pub(crate) fn prefetch_hello(self, to: SocketAddr, name: Host) {
        let net = self;
        drop(tokio::spawn(async move {
            tokio::join!(net.hello(to, hello::CONTROL_NAME), net.hello_walk(to, &name), net.stand_in(to));
        }));
    }

    /// What a handshake under another name comes to.
    pub(super) async fn hello(&self, to: SocketAddr, name: &str) -> Outcome {
        self.experiments.hellos.get((to, name.to_owned()), hello::with_name(self, to, name)).await
    }

    /// From how far away the reset comes that a ClientHello for this name draws.
    pub(super) async fn reset_distance(&self, to: SocketAddr, name: &Host) -> Option<Distance> {
        let measure = async { distance::of_reset(self, to, &hello::bytes(name, &[])).await };
        self.experiments.resets.get((to, name.to_string()), measure).await
    }

    /// Whether packets for a silent port stop where those for an open port of the same address go on.
    pub(super) async fn boundary(&self, to: SocketAddr) -> Boundary {
        self.experiments.boundaries.get(to, boundary::find(self, to)).await
    }

    /// How far a ClientHello for this name gets.
    pub(super) async fn hello_walk(&self, to: SocketAddr, name: &Host) -> Walk {
        let walking = async { walk::walk(&self.aside(), to, &hello::bytes(name, &[])).await };
        self.experiments.walks.get((to, name.to_string()), walking).await
    }

    /// Whether a ClientHello for this target was answered when it was sent again, in segments of full size.
    pub fn was_answered(&self, to: SocketAddr, target: &Target) -> bool {
        let known = self.experiments.walks.known(&(to, target.host.to_string()));
        known.is_some_and(|walk| walk.answered_at.is_some())
    }

    /// The hops towards an address and port.
    pub async fn trail(&self, to: SocketAddr) -> Trail {
        let experiments = &self.experiments;
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
        let experiments = &self.experiments;
        let trace = async {
            if experiments.traced.fetch_add(1, Ordering::Relaxed) >= TRACED {
                return Trail::default();
            }
            trail::trace_datagrams(self, to).await
        };
        experiments.datagrams.get(to, trace).await
    }

    /// The last hop that datagrams of this content reach, among those that datagrams to that address and port pass.
    pub async fn last_hop_of(&self, to: SocketAddr, content: &[&[u8]]) -> Option<(u8, IpAddr)> {
        let trail = self.datagram_trail(to).await;
        let hops: Vec<u8> = trail.hops.iter().map(|(hop, _)| *hop).take(HOPS).collect();
        if self.experiments.traced.fetch_add(1, Ordering::Relaxed) >= TRACED {
            return None;
        }
        trail::last_hop(self, to, content, &hops).await
    }

    /// Begins, beside a datagram that stays unanswered, what its explanation will ask for.
    pub(crate) fn prefetch_datagram(self, to: SocketAddr) {
        let net = self;
        drop(tokio::spawn(async move {
            let web = async {
                if let Some(port) = net.sibling(SocketAddr::new(to.ip(), 0)).await {
                    net.trail(SocketAddr::new(to.ip(), port)).await;
                }
            };
            let elsewhere = async {
                let servers = net.resolver().servers();
                if let Some(server) = servers.first().filter(|server| !server.ip().is_loopback()) {
                    net.datagram_trail(*server).await;
                }
            };
            let own = async {
                let trail = net.datagram_trail(to).await;
                if trail.hops.len() < 2 && trail.answered.is_none() {
                    net.outside_answers().await;
                }
            };
            tokio::join!(own, net.datagram_trail(SocketAddr::new(to.ip(), CONTROL_PORT)), web, elsewhere);
        }));
    }

    /// Whether the resolver answers anything.
    pub(super) async fn resolver_sanity(&self) -> Sanity {
        self.experiments.resolver.get((), super::rules::name::sanity(self)).await
    }

    /// The first hop, where datagrams to a resolver behind it get no farther and nothing else of this run did.
    pub(super) async fn stops_at_the_first_hop(&self) -> Option<IpAddr> {
        if self.experiments.reached() {
            return None;
        }
        let server =
            self.resolver().servers().into_iter().next().filter(|server| !server.ip().is_loopback())?;
        match self.datagram_trail(server).await.hops.as_slice() {
            [(1, first)] => Some(*first),
            _ => None,
        }
    }

    /// Begins, beside a silent resolver, what its explanation will ask for.
    pub(crate) fn prefetch_resolver(self) {
        let net = self;
        drop(tokio::spawn(async move {
            tokio::join!(net.resolver_sanity(), net.stops_at_the_first_hop());
        }));
    }

    /// Whether anything beyond the first hop answers: a connection of this run, or a resolver behind a router.
    pub(super) async fn outside_answers(&self) -> bool {
        let experiments = &self.experiments;
        if experiments.reached() {
            return true;
        }
        let ask = async {
            let far = async {
                let Some(server) = self.resolver().servers().into_iter().next() else { return false };
                !server.ip().is_loopback() && !self.datagram_trail(server).await.hops.is_empty()
            };
            let (far, sanity) = tokio::join!(far, self.resolver_sanity());
            far && sanity == Sanity::Answers
        };
        experiments.outside.get((), ask).await
    }

    /// The router at a distance, asked with a datagram that no TCP rule concerns.
    pub async fn router(&self, to: IpAddr, ttl: u8) -> Option<IpAddr> {
        self.experiments.routers.get((to, ttl), trail::router(self, to, ttl)).await
    }

    /// A router at the very distance from which a port is answered, seen there each time.
    pub(super) async fn stand_in(&self, to: SocketAddr) -> Option<(u8, IpAddr)> {
        self.experiments.stand_ins.get(to, trail::stand_in(self, to)).await
    }

    /// Another port of the same address that is open.
    pub async fn sibling(&self, to: SocketAddr) -> Option<u16> {
        let experiments = &self.experiments;
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
