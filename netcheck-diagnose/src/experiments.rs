//! The control experiments of a run, each made once and shared by all targets.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::boundary::{self, Boundary};
use super::distance::{self, Distance};
use super::experiment::Experiment;
use super::hello::{self, HelloForm, Outcome};
use super::hello_form::{self, Form};
use super::hello_probe::{self, Destination};
use super::interception::Interceptor;
use super::memo::Memo;
use super::older;
use super::outside::Outside;
use super::resolver_path::{self, ResolverPath};
use super::room::Room;
use super::rules::name::Sanity;
use super::times::Times;
use super::trail::{self, Answer, Probe, Trail};
use super::walk::{self, Walk};
use crate::Diagnosis;
use crate::patience::Question;
use netcheck_net::device;
use netcheck_net::tls::SentHello;
use netcheck_record::target::Host;

/// How many paths are traced in one run: a bound on packets.
const TRACED: usize = 512;
/// How many hops of a path are asked once more with other content.
const HOPS: usize = 16;
/// Ports that most services have open, asked as control.
const SIBLINGS: [u16; 2] = [443, 80];

/// How many connections are located at most: on the local network, or beyond it?
const LOCATED: usize = 64;

/// What was found out in a run besides the records.
#[derive(Debug, Default)]
pub struct Experiments {
    reached_beyond: AtomicBool,
    located: AtomicUsize,
    pub(super) room: Room,
    reached_over_ipv6: AtomicBool,
    answered: AtomicBool,
    traced: AtomicUsize,
    trails: Memo<SocketAddr, Trail>,
    datagrams: Memo<SocketAddr, Trail>,
    hellos: Memo<(SocketAddr, String), Outcome>,
    renamed: Memo<(SocketAddr, HelloForm, String), bool>,
    older: Memo<(SocketAddr, String), Option<String>>,
    walks: Memo<(SocketAddr, HelloForm), Walk>,
    places: Memo<(SocketAddr, HelloForm), Option<IpAddr>>,
    forms: Memo<(SocketAddr, HelloForm), Option<Form>>,
    routers: Memo<(IpAddr, u8), Option<IpAddr>>,
    siblings: Memo<IpAddr, Vec<(u16, Answer)>>,
    pub(super) distances: Memo<SocketAddr, Option<Distance>>,
    resets: Memo<(SocketAddr, HelloForm), Option<Distance>>,
    boundaries: Memo<SocketAddr, Boundary>,
    pub(super) interceptors: Memo<SocketAddr, Option<Interceptor>>,
    pub(super) accepted_short: Memo<IpAddr, bool>,
    pub(super) outside: Memo<bool, Outside>,
    pub(super) resolver: Memo<(), Sanity>,
    resolver_paths: Memo<SocketAddr, ResolverPath>,
    hops_beyond: Memo<u8, Option<IpAddr>>,
    pub(super) dates: Memo<SocketAddr, Option<i64>>,
    pub(crate) times: Times,
}

impl Experiments {
    /// Notes an established connection: beyond the local network it disproves `offline`, over IPv6 a dead family.
    pub(crate) fn note_connected(&self, to: SocketAddr) {
        // Asking the system where an address is costs more than a connection: a sweep asks a few times.
        if !self.reached_beyond()
            && !to.ip().is_loopback()
            && self.located.fetch_add(1, Ordering::Relaxed) < LOCATED
            && !device::is_ours(to.ip())
            && !device::is_on_link(to.ip())
        {
            self.reached_beyond.store(true, Ordering::Relaxed);
        }
        if to.is_ipv6() {
            self.reached_over_ipv6.store(true, Ordering::Relaxed);
        }
    }

    /// Whether any connection of this run beyond the local network was established.
    pub(crate) fn reached_beyond(&self) -> bool {
        self.reached_beyond.load(Ordering::Relaxed)
    }

    /// Notes a service that answered a datagram: a control for later silence.
    pub(crate) fn note_datagram_answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// Whether any connection of this run stood over IPv6.
    pub(crate) fn reached_over_ipv6(&self) -> bool {
        self.reached_over_ipv6.load(Ordering::Relaxed)
    }
}

impl Diagnosis {
    /// Whether a service of this run answered a datagram: then UDP as such is not blocked.
    #[must_use]
    pub fn datagrams_pass(&self) -> bool {
        self.experiments.answered.load(Ordering::Relaxed)
    }

    /// What a handshake under another name comes to, with a small ClientHello.
    pub(super) async fn hello(&self, to: SocketAddr, name: &str) -> Outcome {
        self.note_asked(Experiment::OtherName);
        self.experiments
            .hellos
            .get("a small ClientHello with another name", (to, name.to_owned()), || {
                hello::with_name(self, to, name)
            })
            .await
    }

    /// What a server chooses from a ClientHello that lists older parameters, where this tool does not speak it.
    pub(super) async fn older_hello(&self, to: SocketAddr, name: &Host) -> Option<String> {
        self.note_asked(Experiment::OlderHello);
        self.experiments
            .older
            .get("a ClientHello with older suites", (to, name.to_string()), || older::chosen(self, to, name))
            .await
    }

    /// Whether this ClientHello is lost and the same one under another name answered, each time.
    pub(super) async fn name_decides(&self, to: SocketAddr, sent: &SentHello, name: &str) -> bool {
        self.note_asked(Experiment::SameHelloOtherName);
        let ask = || hello_form::name_decides(self, to, sent, name);
        self.experiments
            .renamed
            .get(
                "the same ClientHello with another name",
                (to, HelloForm::of(&sent.hello), name.to_owned()),
                ask,
            )
            .await
    }

    /// From how far away the reset comes that this ClientHello draws.
    pub(super) async fn reset_distance(&self, to: SocketAddr, sent: &SentHello) -> Option<Distance> {
        self.note_asked(Experiment::ResetDistance);
        let measure = || async { distance::of_reset(self, to, &sent.bytes()).await };
        self.experiments
            .resets
            .get("from how far does the reset come", (to, HelloForm::of(&sent.hello)), measure)
            .await
    }

    /// What about this ClientHello makes the difference, where the other kind is answered.
    pub(super) async fn hello_form(&self, to: SocketAddr, sent: &SentHello) -> Option<Form> {
        self.note_asked(Experiment::HelloForm);
        let examine = || hello_form::examine(self, Destination::Direct(to), sent);
        self.experiments
            .forms
            .get("other forms of the ClientHello", (to, HelloForm::of(&sent.hello)), examine)
            .await
    }

    /// Whether packets for a silent port stop where those for an open port of the same address go on.
    pub(super) async fn boundary(&self, to: SocketAddr) -> Boundary {
        self.note_asked(Experiment::Boundary);
        self.experiments
            .boundaries
            .get("where do packets for this port stop", to, || boundary::find(self, to))
            .await
    }

    /// How far this ClientHello gets.
    pub(super) async fn hello_walk(&self, to: SocketAddr, sent: &SentHello) -> Walk {
        self.note_asked(Experiment::HelloWalk);
        let walking = || async { walk::walk(&self.detached(), to, &sent.bytes()).await };
        self.experiments
            .walks
            .get("how far does the ClientHello get", (to, HelloForm::of(&sent.hello)), walking)
            .await
    }

    /// The last hop that the part of this ClientHello reaches which is lost: of several segments the first, or the second
    /// where the service acknowledges the first.
    pub(super) async fn hello_place(&self, to: SocketAddr, sent: &SentHello) -> Option<IpAddr> {
        self.note_asked(Experiment::HelloPlace);
        let find = || async {
            let full = hello_probe::segment_size(self, to).await?;
            let bytes = sent.bytes();
            let Some((first, second)) = bytes.split_at_checked(full) else {
                return self.hello_walk(to, sent).await.cutting_device(self, to).await;
            };
            let place = walk::walk(&self.detached(), to, first).await;
            if place.acknowledged != Some(true) || second.is_empty() {
                return place.cutting_device(self, to).await;
            }
            walk::walk_after(&self.detached(), to, first, second).await.cutting_device(self, to).await
        };
        self.experiments
            .places
            .get("where is the ClientHello lost", (to, HelloForm::of(&sent.hello)), find)
            .await
    }

    /// Whether this ClientHello was answered when it was sent again, in segments of full size.
    pub fn was_answered(&self, to: SocketAddr, sent: &SentHello) -> bool {
        let known = self.experiments.walks.known(&(to, HelloForm::of(&sent.hello)));
        known.is_some_and(|walk| walk.answered_at.is_some())
    }

    /// The hops towards an address and port.
    pub async fn trail(&self, to: SocketAddr) -> Trail {
        self.note_asked(Experiment::Trail);
        let experiments = &self.experiments;
        let trace = || async {
            if experiments.traced.fetch_add(1, Ordering::Relaxed) >= TRACED {
                return Trail::default();
            }
            trail::trace(self, to).await
        };
        experiments.trails.get("which hops answer SYNs", to, trace).await
    }

    /// The hops that datagrams to an address and port pass.
    pub async fn datagram_trail(&self, to: SocketAddr) -> Trail {
        self.note_asked(Experiment::DatagramTrail);
        let experiments = &self.experiments;
        let trace = || async {
            if experiments.traced.fetch_add(1, Ordering::Relaxed) >= TRACED {
                return Trail::default();
            }
            trail::trace_datagrams(self, to).await
        };
        experiments.datagrams.get("which hops answer datagrams", to, trace).await
    }

    /// The last hop that datagrams of this content reach, among those that datagrams to that address and port pass.
    pub async fn last_hop_of(&self, to: SocketAddr, content: &[&[u8]]) -> Option<(u8, IpAddr)> {
        self.note_asked(Experiment::DatagramTrail);
        let trail = self.datagram_trail(to).await;
        let hops: Vec<u8> = trail.hops.iter().map(|(hop, _)| *hop).take(HOPS).collect();
        if self.experiments.traced.fetch_add(1, Ordering::Relaxed) >= TRACED {
            return None;
        }
        trail::last_hop(self, to, content, &hops).await
    }

    /// Whether the resolver answers anything.
    pub(super) async fn resolver_sanity(&self) -> Sanity {
        self.note_asked(Experiment::ResolverSanity);
        self.experiments
            .resolver
            .get("does the resolver answer anything", (), || super::rules::name::sanity(self))
            .await
    }

    /// How far packets to a resolver get.
    pub(crate) async fn resolver_path(&self, server: SocketAddr) -> ResolverPath {
        self.note_asked(Experiment::ResolverPath);
        self.experiments
            .resolver_paths
            .get("how far do DNS questions get", server, || resolver_path::trace(self, server))
            .await
    }

    /// A hop beyond the last one of a path, on the way to somebody else.
    pub(crate) async fn hop_beyond(&self, last: u8) -> Option<IpAddr> {
        self.note_asked(Experiment::HopBeyond);
        self.experiments
            .hops_beyond
            .get("does a hop beyond this one answer", last, || resolver_path::hop_beyond(self, last))
            .await
    }

    /// The router at a distance, asked with a datagram that no TCP rule concerns.
    pub async fn router(&self, to: IpAddr, ttl: u8) -> Option<IpAddr> {
        self.note_asked(Experiment::Router);
        self.experiments
            .routers
            .get("which router is at this distance", (to, ttl), || trail::router(self, to, ttl))
            .await
    }

    /// Another port of the same address that is open.
    pub async fn sibling(&self, to: SocketAddr) -> Option<u16> {
        let answering = self.siblings(to).await;
        answering.into_iter().find(|(_, answer)| *answer == Answer::Open).map(|(port, _)| port)
    }

    /// Another port of the same address that answers: an open one, or else one that refuses.
    pub(super) async fn answering_sibling(&self, to: SocketAddr) -> Option<(u16, Answer)> {
        let answering = self.siblings(to).await;
        let open = answering.iter().find(|(_, answer)| *answer == Answer::Open);
        open.or(answering.first()).copied()
    }

    async fn siblings(&self, to: SocketAddr) -> Vec<(u16, Answer)> {
        self.note_asked(Experiment::Siblings);
        let wait = Question::Port.patience(self);
        let ask = || async {
            let one = |port: u16| async move {
                match trail::answer(self, SocketAddr::new(to.ip(), port), wait).await {
                    Probe::Answered(answer) => Some((port, answer)),
                    Probe::Hop(_) | Probe::Silent | Probe::Blind => None,
                }
            };
            let (first, second) = tokio::join!(one(SIBLINGS[0]), one(SIBLINGS[1]));
            first.into_iter().chain(second).collect::<Vec<_>>()
        };
        let mut answering = self.experiments.siblings.get("which other ports answer", to.ip(), ask).await;
        answering.retain(|(port, _)| *port != to.port());
        answering
    }
}
