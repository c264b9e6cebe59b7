//! Control experiments of UDP: STUN servers known to answer are asked once per run, to distinguish "all UDP is blocked"
//! from "this destination is blocked".

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, Shared, join_all, select};
use netcheck_common::clock::{now, pause, within};
use netcheck_common::diagnose::Diagnosis;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::net::Net;
use netcheck_common::spec::{Sampling, Spec};
use netcheck_common::target::Target;

use crate::binding;
use crate::message::Id;
use crate::reach;
use crate::wire::{Received, ask};

/// How long a control has before TCP to it is tried as well, and how far datagrams get.
const HEAD_START: Duration = Duration::from_millis(400);
/// How long a target may be silent before the controls are asked.
const LOOK_AHEAD: Duration = Duration::from_secs(1);
/// The part of a stage's time that a control has for its name and its answer.
const SHARE: f64 = 0.8;

/// The controls being asked: one shared future, driven by whoever waits for the answers.
type Asking = Shared<BoxFuture<'static, Vec<Control>>>;

/// What the controls of a run are, and how they answered.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    targets: Vec<Target>,
    answers: Arc<Mutex<Option<Asking>>>,
}

/// The result of asking one control.
#[derive(Clone, Debug)]
pub struct Control {
    target: Target,
    /// It answered over UDP.
    pub answered: bool,
    /// Neither an answer nor an ICMP error came over UDP.
    pub silent: bool,
    /// The TCP port of the same host that accepts connections; only tried where UDP is slow to answer.
    pub tcp: Option<u16>,
    /// The last hop that datagrams to it reach; only looked for where UDP is slow to answer.
    pub last: Option<(u8, IpAddr)>,
}

impl Control {
    /// In a sentence.
    pub fn words(&self) -> String {
        let control = &self.target;
        match (self.answered, self.silent, self.tcp) {
            (true, ..) => format!("control {control} answered over UDP"),
            (_, true, port) => {
                let way = self.last.map(|(hop, address)| format!(", at or after {address} (hop {hop})"));
                let tcp = port.map(|port| format!("; its TCP port {port} accepts connections"));
                let [way, tcp] = [way, tcp].map(Option::unwrap_or_default);
                format!("control {control} stayed silent over UDP{way}{tcp}")
            }
            _ => format!("control {control} could not be asked over UDP"),
        }
    }
}

/// Reads `--control`.
pub fn parse(text: &str) -> Result<Target, String> {
    // RFC 7064 writes a STUN server without slashes.
    let text = match text.strip_prefix("stun:") {
        Some(rest) if !rest.starts_with("//") => format!("stun://{rest}"),
        _ => text.to_owned(),
    };
    let spec = Spec::parse(&text, "udp", Sampling::default()).map_err(|why| why.to_string())?;
    let mut targets = spec.expand(Sampling::default());
    match (targets.next(), targets.next()) {
        (Some(target), None) if target.scheme.name == "stun" => Ok(target),
        _ => Err("one STUN server: stun:HOST:PORT or stun://HOST:PORT".to_owned()),
    }
}

impl Controls {
    /// These controls, not asked yet.
    pub fn new(targets: Vec<Target>) -> Self {
        Controls { targets, answers: Arc::default() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// Does `work`; while it stays silent the experiments that find the reason run beside it, so that they cost no time
    /// of their own: each is made once a run and remembered.
    pub async fn beside<T>(&self, net: &Diagnosis, work: impl Future<Output = T>) -> T {
        if !net.diagnoses() {
            return work.await;
        }
        let prefetch = async {
            pause(net.timeout().mul_f64(0.3).min(LOOK_AHEAD)).await;
            let Some(to) = net.peer() else { return };
            net.datagram_is_silent(to);
            self.ask(net).await;
        };
        tokio::pin!(work, prefetch);
        match select(work, prefetch).await {
            Either::Left((done, _)) => done,
            Either::Right(((), work)) => work.await,
        }
    }

    /// How the controls answer; they are asked once a run, all at once, by whoever needs them first.
    pub async fn ask(&self, net: &Diagnosis) -> Vec<Control> {
        let asking = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.get_or_insert_with(|| asking(self.targets.clone(), net.detached())).clone()
        };
        asking.await
    }
}

fn asking(targets: Vec<Target>, detached: Diagnosis) -> Asking {
    async move { join_all(targets.iter().map(|target| asked(&detached, target))).await }.boxed().shared()
}

async fn asked(detached: &Diagnosis, target: &Target) -> Control {
    let mut control =
        Control { target: target.clone(), answered: false, silent: false, tcp: None, last: None };
    // The controls are asked while the target is silent, within the time of one stage.
    let end = now() + detached.timeout().mul_f64(SHARE);
    let left = || end.saturating_duration_since(now());
    let Some(Ok(addresses)) = within(left(), Box::pin(detached.resolve(&target.host))).await else {
        return control;
    };
    let over_udp = reach::race(detached, &addresses, target.port(), |address| {
        let detached = detached.clone();
        async move {
            let mut socket = detached.udp(address, target.port()).await?;
            // Any answer at all, an error response too, has crossed the network twice.
            let read = |bytes: &[u8], ours: &dyn Fn(&Id) -> bool| match binding::read(bytes, ours) {
                Received::Answer((id, _)) => Received::Answer((id, ())),
                Received::Ignored => Received::Ignored,
                Received::Broken(failure) => Received::Broken(failure),
            };
            ask(&mut socket, binding::question, left(), read).await
        }
    });
    // TCP is only of interest where UDP fails, but a control that works answers long before the connection attempts
    // would be missed.
    let (port, last) = (OnceLock::new(), OnceLock::new());
    let meanwhile = async {
        pause(HEAD_START.min(detached.timeout().mul_f64(0.2))).await;
        let tcp = async { port.set(tcp(detached, &addresses, [target.port(), 443], left()).await) };
        let way = async {
            let Some(address) = reach::first(detached, &addresses) else { return Ok(()) };
            let trail = detached.datagram_trail(SocketAddr::new(address, target.port()));
            last.set(within(left(), trail).await.and_then(|trail| trail.last()))
        };
        tokio::join!(tcp, way)
    };
    tokio::pin!(over_udp, meanwhile);
    let outcome = tokio::select! {
        biased;
        outcome = &mut over_udp => outcome,
        _ = &mut meanwhile => over_udp.await,
    };
    match outcome {
        Ok(_) | Err(Failure { peer_responded: true, .. }) => control.answered = true,
        Err(Failure { code, .. }) => control.silent = code == Code::UdpTimeout,
    }
    control.tcp = port.get().copied().flatten();
    control.last = last.get().copied().flatten();
    control
}

/// The first of these TCP ports that accepts a connection.
async fn tcp(net: &Net, addresses: &[IpAddr], ports: [u16; 2], left: Duration) -> Option<u16> {
    let bound = net.timeout().mul_f64(0.5).min(left);
    let one = |port: u16| async move {
        matches!(within(bound, Box::pin(net.connect(addresses, port))).await, Some(Ok(_))).then_some(port)
    };
    let (first, second) = tokio::join!(one(ports[0]), one(ports[1]));
    first.or(second)
}
