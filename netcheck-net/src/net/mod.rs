//! The way to the network for one target: what a run shares, and what this target has seen so far.

mod bindings;
mod connect;
mod datagram;
mod proxy_secrets;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use rustls::RootCertStore;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::clock;
use crate::device;
use crate::dns::{Families, Resolver, scope};
use crate::eyeballs::Family;
use crate::interrupt::{Interrupt, Measuring};
use crate::lock;
use crate::path_observations::PathObservations;
use crate::proxy::auth::authentication::Authentication;
use crate::proxy::auth::credentials::Credentials;
use crate::proxy::choice::Choice;
use crate::proxy::route::Route;
use crate::signature;
use crate::tcp::Egress;
use crate::tls::roots::Roots;
use crate::verbose;
use crate::watch::Watch;
use netcheck_record::failure::{Code, Failure};
use netcheck_record::flags::{Diagnose, Flags};
use netcheck_record::target::{Host, Target};

/// After this part of a stage's time a silent attempt is looked into.
const LOOK_AHEAD: f64 = 0.4;
/// A segment that fits any path (RFC 791 has every host take 576 bytes).
const SMALL: u32 = 500;

/// What all targets of a run share.
#[derive(Debug)]
pub struct Shared {
    flags: Flags,
    pins: HashMap<String, Vec<IpAddr>>,
    choice: Choice,
    authentication: Authentication,
    resolver: Resolver,
    roots: Roots,
    egress: Egress,
    watch: Arc<dyn Watch>,
    deadline: Duration,
    interrupt: Arc<Interrupt>,
}

impl Shared {
    /// Reads what the flags name: files, the environment.
    ///
    /// # Errors
    /// A flag that cannot be used; nothing has been sent yet.
    pub fn new(flags: Flags, proxied: bool, lasts: Duration, watch: Arc<dyn Watch>) -> Result<Self, String> {
        let credentials = credentials(flags.proxy_credentials.as_deref())?;
        let choice = Choice::read(&flags.proxy, credentials, proxied)?;
        let roots = match &flags.public_roots {
            Some(file) => Roots::from_file(file).map_err(|why| format!("--public-roots: {why}"))?,
            None => Roots::default(),
        };
        let families = match (flags.ipv4, flags.ipv6) {
            (true, _) => Families::V4,
            (_, true) => Families::V6,
            _ => Families::Both,
        };
        let mut pins: HashMap<String, Vec<IpAddr>> = HashMap::new();
        for (host, address) in &flags.connect_to {
            pins.entry(host.clone()).or_default().push(*address);
        }
        if let Some(name) = &flags.interface
            && device::index(name).is_none()
        {
            return Err(format!(
                "--interface: there is no interface {}",
                netcheck_record::escape::line(name, 40)
            ));
        }
        if let Some(source) = flags.source {
            let to = SocketAddr::new(source, 0);
            let socket = socket2::Socket::new(socket2::Domain::for_address(to), socket2::Type::DGRAM, None);
            let bound = socket.and_then(|socket| socket.bind(&to.into()));
            bound.map_err(|error| format!("--source: this machine cannot send from {source}: {error}"))?;
        }
        let egress = Egress { interface: flags.interface.clone(), source: flags.source };
        let resolver = Resolver::new(flags.resolver, families, egress.clone());
        let deadline = flags.deadline.unwrap_or(flags.timeout * 4 + lasts);
        let authentication = Authentication::new(&flags);
        let interrupt = Arc::default();
        Ok(Shared {
            authentication,
            deadline,
            pins,
            choice,
            resolver,
            roots,
            egress,
            watch,
            flags,
            interrupt,
        })
    }
}

impl Shared {
    /// The flags of this run.
    #[must_use]
    pub fn flags(&self) -> &Flags {
        &self.flags
    }

    /// The end of this run by a signal.
    #[must_use]
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }
}

fn credentials(file: Option<&Path>) -> Result<Option<Credentials>, String> {
    if let Some(file) = file {
        let text = netcheck_record::file::text(file, 64 << 10)
            .map_err(|error| format!("--proxy-credentials: {error}"))?;
        return Ok(text.lines().next().map(Credentials::parse));
    }
    let user = std::env::var("NETCHECK_PROXY_USER").ok().filter(|user| !user.is_empty());
    let password = std::env::var("NETCHECK_PROXY_PASSWORD").unwrap_or_default();
    Ok(user.map(|user| Credentials { user, password }))
}

/// The way to the network for one target. Cheap to clone; all clones see the same.
#[derive(Clone, Debug)]
pub struct Net {
    shared: Arc<Shared>,
    sights: Arc<Sights>,
    target: Arc<TargetState>,
    /// When this attempt began, where it is not the target's first.
    again: Option<Instant>,
    segment: Option<u32>,
    ttl: Option<u8>,
    /// A control experiment: its own silence begins no others.
    control: bool,
    /// Which step of the target's way is being taken.
    step: Arc<AtomicUsize>,
}

/// What one way has seen so far.
#[derive(Debug, Default)]
struct Sights {
    seen: Mutex<PathObservations>,
    pending: Mutex<Option<JoinHandle<Option<Family>>>>,
    silent: Silence,
}

/// What all ways of one target share.
#[derive(Debug)]
struct TargetState {
    begun: Instant,
    /// What `-v` calls this target; empty where nothing is told.
    about: String,
    /// The way of this target, once it is chosen.
    route: OnceLock<Route>,
    /// Held once the target measures something that a signal only shortens.
    measuring: OnceLock<Measuring>,
}

impl TargetState {
    fn new(about: String) -> Arc<Self> {
        let (begun, route, measuring) = (clock::now(), OnceLock::new(), OnceLock::new());
        Arc::new(TargetState { begun, about, route, measuring })
    }
}

/// The stage that has been silent for a while, once there is one.
#[derive(Debug, Default)]
struct Silence {
    stage: OnceLock<&'static str>,
    told: Notify,
}

impl Net {
    /// A fresh way, for the next target.
    #[must_use]
    pub fn new(shared: &Arc<Shared>) -> Self {
        Net {
            shared: Arc::clone(shared),
            sights: Arc::default(),
            target: TargetState::new(String::new()),
            again: None,
            segment: None,
            ttl: None,
            control: false,
            step: Arc::default(),
        }
    }

    /// The same way, which `-v` calls by the target it is for.
    #[must_use]
    pub fn about(mut self, target: &Target) -> Self {
        if verbose::is_on(1) {
            self.target = TargetState::new(target.to_string());
        }
        self
    }

    /// Tells a line about this target, where `-v` asks for it.
    pub fn tell(&self, level: u8, line: impl FnOnce() -> String) {
        verbose::tell(level, || format!("{}: {}", self.target.about, line()));
    }

    /// The way of the target's next attempt: it has seen nothing yet, and has what is left of the deadline.
    pub fn next_attempt(&self) -> Self {
        Net { again: Some(clock::now()), step: Arc::default(), ..self.detached() }
    }

    /// A way whose sights do not reach this target's record: for proxies and control experiments.
    #[must_use]
    pub fn detached(&self) -> Self {
        Net { sights: Arc::default(), ..self.clone() }
    }

    /// A way for a control experiment: nothing is begun beside its silence, which would delay it at a server
    /// that takes one connection at a time.
    #[must_use]
    pub fn for_control(&self) -> Self {
        Net { control: true, ..self.detached() }
    }

    /// A way detached that sends and accepts small segments only: where large packets vanish, it gets through.
    #[must_use]
    pub fn with_small_mss(&self) -> Self {
        Net { segment: Some(SMALL), ..self.for_control() }
    }

    /// A way detached whose packets die after `ttl` hops: only what is that near can answer.
    #[must_use]
    pub fn limited(&self, ttl: u8) -> Self {
        Net { ttl: Some(ttl), ..self.for_control() }
    }

    /// How long a stage may stay silent before it is looked into.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.timeout().mul_f64(LOOK_AHEAD)
    }

    /// Notes that a stage has been silent for that long.
    pub fn note_silence(&self, stage: &'static str) {
        if self.sights.silent.stage.set(stage).is_ok() {
            self.sights.silent.told.notify_one();
        }
    }

    /// Whether a stage has been silent for a while.
    pub fn was_silent(&self) -> bool {
        self.sights.silent.stage.get().is_some()
    }

    /// Resolves with the first stage that falls silent; never, where none does.
    pub async fn silence(&self) -> &'static str {
        loop {
            if let Some(stage) = self.sights.silent.stage.get() {
                return stage;
            }
            self.sights.silent.told.notified().await;
        }
    }

    /// From now on a signal ends what this target measures early, and its record is written with what is known by then.
    pub fn keep_measurement(&self) {
        self.target.measuring.get_or_init(|| self.shared.interrupt.measure());
    }

    /// Whether a signal has ended the run.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.shared.interrupt.is_asked()
    }

    /// Does `work` until a signal ends the run; `None` when one did.
    pub async fn unless_interrupted<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.shared.interrupt.asked() => None,
        }
    }

    /// Waits so long, or until a signal ends the run.
    pub async fn interrupted_or(&self, wait: Duration) {
        self.unless_interrupted(clock::pause(wait)).await;
    }

    /// The flags of this run.
    #[must_use]
    pub fn flags(&self) -> &Flags {
        self.shared.flags()
    }

    /// The bound of a stage.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.shared.flags.timeout
    }

    /// What is left of the target's deadline.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.shared.deadline.saturating_sub(self.target.begun.elapsed())
    }

    /// Whether control experiments are allowed.
    #[must_use]
    pub fn diagnoses(&self) -> bool {
        self.shared.flags.diagnose == Diagnose::Auto
    }

    /// Whether a stage that falls silent begins what its explanation will ask for.
    pub(crate) fn prefetches(&self) -> bool {
        self.diagnoses() && !self.control
    }

    /// The resolver of this run.
    #[must_use]
    pub fn resolver(&self) -> &Resolver {
        &self.shared.resolver
    }

    /// The roots the public trusts.
    #[must_use]
    pub fn public_roots(&self) -> Arc<RootCertStore> {
        self.shared.roots.public()
    }

    /// The roots this system trusts.
    #[must_use]
    pub fn system_roots(&self) -> Arc<RootCertStore> {
        self.shared.roots.system()
    }

    /// The interface and address packets leave from.
    #[must_use]
    pub fn egress(&self) -> &Egress {
        &self.shared.egress
    }

    /// Adds a fact to the record, under a heading.
    pub fn fact(&self, heading: &str, key: &str, value: impl Into<Value>) {
        lock(&self.sights.seen).fact(heading, key, value);
    }

    /// Writes down what was seen.
    pub fn see(&self, write: impl FnOnce(&mut PathObservations)) {
        write(&mut lock(&self.sights.seen));
    }

    /// Says what the failure was, where an experiment showed it to be another one than it looked.
    pub fn replace_failure(&self, failure: Failure) {
        self.see(|seen| seen.restated = Some(failure));
    }

    /// Takes out what was seen so far.
    #[must_use]
    pub fn take_observations(&self) -> PathObservations {
        std::mem::take(&mut lock(&self.sights.seen))
    }

    /// Takes over where a way detached has led: the address and the interface.
    pub fn take_path_of(&self, detached: &Net) {
        let path = lock(&detached.sights.seen).path.clone().unwrap_or_default();
        self.see(|seen| {
            let own = seen.path.get_or_insert_default();
            own.address = path.address;
            own.local = path.local;
            own.interface = path.interface;
            own.tunnel = path.tunnel;
        });
    }

    /// How proxies are chosen.
    pub(crate) fn choice(&self) -> &Choice {
        &self.shared.choice
    }

    /// How this run authenticates to proxies.
    pub(crate) fn authentication(&self) -> &Authentication {
        &self.shared.authentication
    }

    /// The proxies that were chosen for the target, once they are.
    pub(crate) fn chosen(&self) -> &OnceLock<Route> {
        &self.target.route
    }

    /// The position in the list of proxies of the one that is in use.
    pub(crate) fn step_number(&self) -> &AtomicUsize {
        &self.step
    }

    /// Addresses that need no resolver: a literal, or what `--connect-to` pins.
    #[must_use]
    pub fn known(&self, host: &Host) -> Option<Vec<IpAddr>> {
        if let Some(pinned) = self.shared.pins.get(&host.to_string()) {
            self.see(|seen| seen.addresses.clone_from(pinned));
            return Some(pinned.clone());
        }
        match host {
            Host::Address(address) => Some(vec![*address]),
            Host::Name(_) => None,
        }
    }

    /// The addresses of a name.
    ///
    /// # Errors
    /// The `dns.*` codes.
    pub async fn resolve(&self, host: &Host) -> Result<Vec<IpAddr>, Failure> {
        if let Some(known) = self.known(host) {
            return Ok(known);
        }
        let name = host.name().unwrap_or_default();
        // A little less than the stage has: the resolver's own words are better than a stage's silence.
        let mut lookup = Box::pin(self.shared.resolver.lookup(name, self.timeout().mul_f64(0.9), self.again));
        let lookup = match clock::within(self.patience(), &mut lookup).await {
            Some(lookup) => lookup,
            None => {
                self.resolver_is_silent();
                lookup.await
            }
        };
        self.see(|seen| {
            seen.addresses.clone_from(&lookup.addresses);
            seen.facts.insert("dns".into(), Value::Object(lookup.facts.clone()));
            seen.lookup = Some(Arc::clone(&lookup));
        });
        if let Some(failure) = &lookup.failure {
            return Err(failure.clone());
        }
        if !lookup.local && scope::is_public_name(name) {
            self.without_bogons(&lookup.addresses)
        } else {
            Ok(lookup.addresses.clone())
        }
    }

    /// Leaves out what cannot be the address of a public name.
    fn without_bogons(&self, addresses: &[IpAddr]) -> Result<Vec<IpAddr>, Failure> {
        let of = |fits: fn(scope::Scope) -> bool| {
            addresses.iter().copied().filter(move |address| fits(scope::of(*address)))
        };
        let public: Vec<IpAddr> = of(|scope| scope == scope::Scope::Public).collect();
        let private: Vec<IpAddr> = of(scope::Scope::is_limited).collect();
        if !public.is_empty() {
            let fine = |a: &IpAddr| self.shared.flags.private_ok && scope::of(*a).is_limited();
            return Ok(addresses.iter().copied().filter(|a| public.contains(a) || fine(a)).collect());
        }
        if private.is_empty() {
            let shown: Vec<String> = addresses.iter().take(4).map(ToString::to_string).collect();
            let detail = format!("the answer {} cannot be the address of a public name", shown.join(", "));
            return Err(Failure::new(Code::DnsBogon, detail));
        }
        if !self.shared.flags.private_ok {
            self.see(|seen| seen.private_answer = true);
        }
        Ok(private)
    }

    /// Records the path of a connection: its peer, and our own address and interface.
    pub(crate) fn path(&self, to: SocketAddr, local: Option<SocketAddr>) {
        let device = local.and_then(|local| device::of(local.ip()));
        self.see(|seen| {
            seen.peer = Some(to);
            let path = seen.path.get_or_insert_default();
            if path.via.is_empty() {
                path.via = "direct".into();
            }
            path.address = Some(to.to_string());
            if let Some(local) = local {
                path.local = Some(local.to_string());
            }
            if let Some(device) = device {
                path.interface = Some(device.name);
                path.tunnel = Some(device.tunnel);
            }
        });
    }

    /// The address that was connected to, or last tried.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        lock(&self.sights.seen).peer
    }

    /// Reports a resolver that has been silent for a while.
    pub fn resolver_is_silent(&self) {
        if self.prefetches() {
            self.watch().resolver_silent(self.detached());
        }
    }

    /// Reports a datagram that has been unanswered for a while.
    pub fn datagram_is_silent(&self, to: SocketAddr) {
        if self.prefetches() {
            self.watch().datagram_silent(self.detached(), to);
        }
    }

    /// Reports a service that answered a datagram: a control for later silence.
    pub fn datagram_answered(&self) {
        self.shared.watch.datagram_answered();
    }

    /// Whom silence of a connection is reported to.
    pub(crate) fn watch(&self) -> Arc<dyn Watch> {
        Arc::clone(&self.shared.watch)
    }

    /// Whether the address that was connected to is one of a known product's block pages.
    #[must_use]
    pub fn is_block_page_address(&self) -> bool {
        self.peer().is_some_and(|peer| signature::vendor_of_address(peer.ip()).is_some())
    }

    /// The vendor whose block pages live at one of these addresses.
    #[must_use]
    pub fn block_address(&self, addresses: &[IpAddr]) -> Option<(&'static str, IpAddr)> {
        addresses
            .iter()
            .find_map(|address| signature::vendor_of_address(*address).map(|vendor| (vendor, *address)))
    }
}
