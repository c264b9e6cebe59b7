//! check-rtmps: the stages of one target, `dns → (proxy) → tcp → tls → rtmp`, then `connect` and `publish` if asked for.
//!
//! # What is sent and what is read
//!
//! *The handshake*: C0 (version 3) and C1 (time, four zero bytes, 1,528 random bytes) are sent; 3,073 bytes are read.
//! S0 has to be 3; C2 follows S1, and S2 has to repeat C1 from byte 8 on. A peer that begins with anything else is
//! named by its first bytes: an HTTP answer, a TLS record, text, another version.
//!
//! *connect*, when the target has a path, with `--connect`, `--app` or `--publish`, and when the echo was wrong: Set
//! Chunk Size and one `connect` command that names the application and the address; nothing of this machine. A
//! refusal or a close is the service's own answer for that application: the path is open, so the target is `degraded`.
//!
//! *publish*, with `--publish SECONDS`: the module `publish` lists what is sent.
//!
//! Messages are written by the `rtmp` crate (module `writer`) and read by our own bounded readers (modules
//! `handshake`, `chunk`, `amf`, `event`): that crate's readers allocate what a peer announces, recurse as deep as a
//! peer nests, and panic on lengths that shrink.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use netcheck_common::check::Check;
use netcheck_common::diagnose::{Diagnosis, Finding};
use netcheck_common::failure::{Code, Failure};
use netcheck_common::secret::Secrets;
use netcheck_common::stream::Stream;
use netcheck_common::target::Target;
use netcheck_common::tls::{Hello, Trust};
use netcheck_common::trace::{Observed, Stopped, Trace};

use crate::client::RtmpClient;
use crate::explain;
use crate::facts::{Facts, HandshakeFacts};
use crate::handshake::{self, RTMP};
use crate::key::StreamKey;
use crate::limit::{AddressLimit, ConnectionLimit, Pacer, Permit};
use crate::publish::PublishPlan;
use crate::reach::{self, Reached};
use crate::session::Session;
use crate::writer::Writer;

/// The application of targets that name none.
const DEFAULT_APP: &str = "live";
/// How long a target may wait in line for a place: 51 ports that open and then stay silent, eight at a time.
const LINE: Duration = Duration::from_mins(1);

/// Checks RTMP and RTMPS ingest targets.
///
/// Targets: rtmps://HOST[:443][/APP], rtmp://HOST[:1935][/APP].
/// Ports may be ranges and lists (10000-10050,443), hosts may have braces ({eu,us}), addresses may be blocks (10.0.0.0/24).
#[derive(Args, Debug)]
pub struct Rtmps {
    /// Send `connect` even if the target has no path
    #[arg(long)]
    connect: bool,
    /// Application for targets without a path; implies --connect [default: live]
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// Publish a synthetic stream; its key comes from the environment variable RTMP_STREAM_KEY
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3600))]
    publish: Option<u32>,
    /// Bitrate of the stream in kbit/s; if less arrives, the target is degraded
    #[arg(long, value_name = "KBPS", default_value = "2500", requires = "publish", value_parser = clap::value_parser!(u32).range(32..=200_000))]
    bitrate: u32,
    /// Maximum concurrent TCP, TLS and RTMP handshakes with each address; one that stays silent gives its place away
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u32).range(1..=65_535))]
    per_host: u32,
    #[arg(skip)]
    key: StreamKey,
    #[arg(skip)]
    limit: ConnectionLimit,
    #[arg(skip)]
    pacer: Pacer,
    /// One stream at a time to each target: two with one key would cut each other off.
    #[arg(skip)]
    streams: ConnectionLimit,
}

impl Check for Rtmps {
    const NAME: &'static str = "rtmps";
    const TOOL: &'static str = "check-rtmps";
    const EXAMPLES: &'static [&'static str] = &[
        "check-rtmps rtmps://eu-channel.spotme.com:10000",
        "check-rtmps 'rtmps://{eu,us,ap}-channel.spotme.com:10000-10050'",
        "check-rtmps rtmps://ingest.example.com/live",
        "RTMP_STREAM_KEY=key check-rtmps --publish 30 --bitrate 4000 rtmps://ingest.example.com/live",
    ];
    const VARIABLES: &'static [(&'static str, &'static str)] =
        &[("RTMP_STREAM_KEY", "the stream key, with --publish")];
    type Facts = Facts;

    async fn check(&self, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
        let pace = self.pacer.wait(target.host.to_string());
        let Reached { stream, mut place, tcp } =
            reach::reach(target, trace, |at| self.places(at), pace, self.publish.is_some()).await?;
        let (session, echo, proven) = Box::pin(place.during(shake_hands(target, stream, trace))).await?;
        drop(place);
        let app = match (self.app(target), echo) {
            (None, true) => return Ok(()),
            (app, _) => app.unwrap_or_else(|| DEFAULT_APP.to_owned()),
        };
        let mut client = RtmpClient { target, session, echo, proven, tcp };
        // Boxed: one target's whole future exists several times over while controls run beside it.
        if !Box::pin(client.connect(trace, app)).await? {
            return Ok(());
        }
        match self.publish {
            Some(seconds) => {
                let _turn = self.stream_turn(target, trace).await?;
                let span = Duration::from_secs(u64::from(seconds));
                let plan = PublishPlan { span, bitrate: self.bitrate, patience: trace.net().timeout() };
                Box::pin(client.publish(trace, plan, &self.key)).await
            }
            None => Ok(()),
        }
    }

    fn extra_time(&self) -> Duration {
        LINE + Duration::from_secs(u64::from(self.publish.unwrap_or_default()))
    }

    fn validate(&mut self) -> Result<(), String> {
        if self.publish.is_some() {
            self.key = StreamKey::from_environment()?;
        }
        match &self.app {
            Some(app) if app.is_empty() || app.len() > 1024 || app.chars().any(char::is_control) => {
                Err("--app: 1 to 1024 characters, none of them control characters".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn secrets(&self) -> Secrets {
        [self.key.reveal().to_owned()].into_iter().collect()
    }

    async fn explain(
        &self,
        target: &Target,
        facts: &Facts,
        observed: &Observed,
        diagnosis: &Diagnosis,
    ) -> Option<Finding> {
        explain::explain(target, facts, observed, diagnosis).await
    }
}

/// The stages `tls`, where the target has it, and `rtmp`: the session, whether the echo was right, and whether a public
/// root proves the service.
async fn shake_hands(
    target: &Target,
    mut stream: Stream,
    trace: &mut Trace<Facts>,
) -> Result<(Session, bool, bool), Stopped> {
    let mut proven = false;
    if target.scheme.is_tls() {
        let secure = trace.secure(stream, &Hello::to(&target.host)).await?;
        (stream, proven) = (secure.stream, secure.trust == Trust::Public);
    }
    let (mut writer, mut facts) = (Writer::default(), HandshakeFacts::default());
    let mut foreign = Vec::new();
    let bound = trace.net().timeout();
    // The stage's own words about a silence are better than the common ones, so they come first.
    let work = handshake::handshake(&mut stream, &mut writer, bound.mul_f64(0.98), &mut facts, &mut foreign);
    let done = trace.stage(RTMP, work).await;
    let echo = facts.echo == Some(true);
    trace.facts.rtmp = Some(facts);
    if !foreign.is_empty() {
        trace.net().see(|seen| seen.first_bytes = foreign);
    }
    done.map(|()| (Session::new(stream, writer), echo, proven))
}

impl Rtmps {
    /// The application to connect to, where a connect is asked for.
    fn app(&self, target: &Target) -> Option<String> {
        let path = target.path.trim_matches('/');
        if target.path.starts_with('/') && !path.is_empty() {
            return Some(path.to_owned());
        }
        let asked = self.connect || self.publish.is_some() || self.app.is_some() || !target.path.is_empty();
        asked.then(|| self.app.clone().unwrap_or_else(|| DEFAULT_APP.to_owned()))
    }

    /// The places at an address.
    fn places(&self, address: String) -> Arc<AddressLimit> {
        self.limit.at(address, usize::try_from(self.per_host).unwrap_or(usize::MAX))
    }

    /// Waits until no other stream of this run goes to that target.
    async fn stream_turn(&self, target: &Target, trace: &mut Trace<Facts>) -> Result<Permit, Stopped> {
        let places = self.streams.at(target.to_string(), 1);
        match places.take(trace.net().left()).await {
            Some(turn) => Ok(turn),
            None => {
                let detail = "not tried: another stream to this target was still running";
                Err(trace.fail(Failure::new(Code::RtmpTimeout, detail)))
            }
        }
    }
}
