//! The check of UDP: its flags, and which scheme goes where.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use clap::Args;
use netcheck_common::check::Check;
use netcheck_common::diagnose::{Diagnosis, Finding};
use netcheck_common::rung;
use netcheck_common::secret::Secrets;
use netcheck_common::spec::{Sampling, Spec};
use netcheck_common::target::Target;
use netcheck_common::trace::{Observed, Stopped, Trace};

use crate::control::{self, Controls};
use crate::credentials::Credentials;
use crate::dscp::Marks;
use crate::facts::Facts;
use crate::mappings::Mappings;
use crate::media::MediaPlan;
use crate::prove::{self, Rule};
use crate::quality::Bounds;
use crate::run::Run;
use crate::series::SeriesFlags;
use crate::transport::Rung;
use crate::{dscp, explain, h3, icmp, ladder, quic, stun, turn};

/// The highest 95th percentile of the jitter that does not disturb a conversation.
const MAX_JITTER: Duration = Duration::from_millis(30);

/// Checks STUN, TURN, QUIC, HTTP/3 and ICMP targets, and how well real-time media works.
///
/// Targets: stun://HOST[:3478], turn://HOST[:3478][?transport=tcp], turns://HOST[:5349], quic://HOST[:443],
/// h3://HOST[:443][/PATH], icmp://HOST.
/// Ports may be ranges and lists (10000-10050,443), hosts may have braces ({eu,us}), addresses may be blocks (10.0.0.0/24).
#[derive(Args, Clone, Debug)]
pub struct Udp {
    /// A STUN server known to answer; it is asked once when UDP stays silent (repeatable)
    #[arg(long = "control", value_name = "stun:HOST:PORT", value_parser = control::parse)]
    control: Vec<Target>,
    /// Try every transport of media on this TURN server and name the best that works (repeatable)
    #[arg(long, value_name = "HOST", value_parser = host)]
    media_ladder: Vec<Target>,
    /// The rungs of the media ladder, best first
    #[arg(
        long,
        value_name = "RUNGS",
        value_delimiter = ',',
        default_value = "udp:443,udp:3478,tcp:443,tls:443"
    )]
    ladder: Vec<Rung>,
    #[command(flatten)]
    series: SeriesFlags,
    /// Mean opinion score below which a path is degraded (with --count; 1 to 4.5)
    #[arg(long, value_name = "SCORE", default_value = "3.6")]
    min_mos: f64,
    /// Send audio and video through two relays of each TURN server for about SECONDS, in rising bitrates and both ways;
    /// needs TURN_USERNAME and TURN_PASSWORD
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=180))]
    relay: Option<u32>,
    /// The highest bitrate of video that --relay sends: 240p, 360p, 480p, 720p, 1080p or 4K
    #[arg(long, value_name = "RUNG", default_value = "1080p", requires = "relay")]
    relay_rung: String,
    /// Mark the datagrams of a series (--count) and of --relay with this DSCP: media (ef for audio, af41 for video), ef,
    /// af41, a number
    #[arg(long, value_name = "CLASS", value_parser = dscp::parse)]
    dscp: Option<Marks>,
    /// Find the path MTU with ICMP (icmp targets)
    #[arg(long)]
    mtu: bool,
    /// ALPN protocol offered to quic targets (repeatable)
    #[arg(long, value_name = "NAME", default_value = "h3")]
    alpn: Vec<String>,
    /// Prove a rule: `filter` shows what a filter matches that stops a target (quic, h3, stun and turn over UDP)
    #[arg(long, value_enum, value_name = "RULE", value_delimiter = ',')]
    prove: Vec<Rule>,
    /// What the targets of this run share.
    #[arg(skip)]
    run: Run,
}

fn host(text: &str) -> Result<Target, String> {
    let mut targets = Spec::parse(&format!("turn://{text}?ladder"), "udp", Sampling::default())
        .map_err(|why| why.to_string())?
        .expand(Sampling::default());
    match (targets.next(), targets.next()) {
        (Some(target), None) if !text.contains(['/', '?']) => Ok(target),
        _ => Err("one host".to_owned()),
    }
}

impl Check for Udp {
    const NAME: &'static str = "udp";
    const TOOL: &'static str = "check-udp";
    const PROXIED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[
        "check-udp stun://stun.l.google.com:19302 stun://stun.cloudflare.com",
        "check-udp --count 200 --interval 20 stun://stun.l.google.com:19302",
        "check-udp turn://turn.example.com 'turn://turn.example.com?transport=tcp'",
        "TURN_USERNAME=me TURN_PASSWORD=secret check-udp --relay 10 turn://turn.example.com",
        "check-udp --media-ladder turn.example.com --control stun:stun.l.google.com:19302",
        "check-udp quic://www.example.com h3://www.example.com/",
        "check-udp --prove filter h3://www.example.com/",
        "check-udp --mtu icmp://192.0.2.1",
    ];
    const VARIABLES: &'static [(&'static str, &'static str)] =
        &[("TURN_USERNAME TURN_PASSWORD", "credentials for TURN")];

    type Facts = Facts;

    fn validate(&mut self) -> Result<(), String> {
        let rungs =
            rung::up_to(&self.relay_rung).ok_or("--relay-rung: one of 240p, 360p, 480p, 720p, 1080p, 4K")?;
        let bounds = Bounds { min_mos: self.min_mos, max_jitter: MAX_JITTER };
        self.run = Run {
            controls: Controls::new(self.control.clone()),
            mappings: Mappings::default(),
            credentials: Credentials::from_environment()?,
            series: self.series,
            bounds,
            ladder: self.ladder.clone(),
            media: self.relay.map(|seconds| MediaPlan::new(seconds, rungs, bounds).with_marks(self.dscp)),
            marks: self.dscp,
            mtu: self.mtu,
            alpn: self.alpn.clone(),
        };
        if self.relay.is_some() && self.run.credentials.is_none() {
            return Err("--relay needs TURN_USERNAME and TURN_PASSWORD".to_owned());
        }
        if (1.0..=4.5).contains(&self.min_mos) {
            Ok(())
        } else {
            Err("--min-mos: a score from 1 to 4.5".to_owned())
        }
    }

    fn extra_time(&self) -> Duration {
        self.series.duration() + self.run.media.map_or(Duration::ZERO, |plan| plan.duration())
    }

    fn announcement(&self) -> Option<String> {
        let plan = self.run.media?;
        let (bytes, kbps) = (plan.bytes(), plan.highest_kbps());
        Some(format!(
            "check-udp: --relay sends up to {}.{} MB and receives as much for each TURN target, at up to {}.{} Mbit/s each way, for {} s",
            bytes / 1_000_000,
            bytes / 100_000 % 10,
            kbps / 1000,
            kbps / 100 % 10,
            plan.duration().as_secs(),
        ))
    }

    fn secrets(&self) -> Secrets {
        self.run.credentials.iter().map(|known| known.password.clone()).collect()
    }

    fn targets(&self) -> Vec<Target> {
        self.media_ladder.clone()
    }

    async fn check(&self, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
        let net = trace.net();
        let over_tcp = target.scheme.name == "turns" || target.query("transport") == Some("tcp");
        if !over_tcp && !matches!(net.flags().proxy.as_str(), "env" | "none") {
            trace.facts.note = Some("no proxy carries UDP: this was tried directly".to_owned());
        }
        // On the heap: what one scheme needs is not reserved for the others.
        let scheme: Pin<Box<dyn Future<Output = Result<(), Stopped>> + '_>> = match target.scheme.name {
            "turn" if target.path == "?ladder" => Box::pin(ladder::check(&self.run, target, trace)),
            "turn" | "turns" => Box::pin(turn::check(&self.run, target, trace)),
            "quic" => Box::pin(quic::check(&self.run, target, trace)),
            "h3" => Box::pin(h3::check(&self.run, target, trace)),
            "icmp" => Box::pin(icmp::check(&self.run, target, trace)),
            _ => Box::pin(stun::check(&self.run, target, trace)),
        };
        let outcome = scheme.await;
        if !over_tcp && ["stun", "turn", "quic"].iter().any(|stage| trace.has_passed(stage)) {
            net.datagram_answered();
        }
        outcome
    }

    async fn explain(
        &self,
        target: &Target,
        facts: &Facts,
        observed: &Observed,
        diagnosis: &Diagnosis,
    ) -> Option<Finding> {
        Box::pin(explain::explain(&self.run, target, facts, observed, diagnosis)).await
    }

    async fn examine(&self, target: &Target, observed: &Observed, diagnosis: &Diagnosis) -> Option<String> {
        if !self.prove.contains(&Rule::Filter) {
            return None;
        }
        Box::pin(prove::filter(&self.run, target, observed, diagnosis)).await
    }
}
