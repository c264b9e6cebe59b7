//! The check of UDP: its flags, and which scheme goes where.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::check::Check;
use netcheck_common::clock::now;
use netcheck_common::diagnose::{Diagnosis, Finding};
use netcheck_common::failure::{Code, Failure};
use netcheck_common::net::Net;
use netcheck_common::secret::Secrets;
use netcheck_common::spec::{Sampling, Spec};
use netcheck_common::target::Target;
use netcheck_common::trace::{Observed, Stopped, Trace};
use ring::rand::{SecureRandom, SystemRandom};

use crate::control::{self, Controls};
use crate::facts::Facts;
use crate::ladder::{self, Rung};
use crate::mappings::Mappings;
use crate::quality::Quality;
use crate::relay::Credentials;
use crate::wire::Plan;
use crate::{explain, h3, icmp, quic, stun, turn};

/// How many packets an echo through a relay is measured with, unless told.
const ECHOES: u32 = 5;

/// Checks STUN, TURN, QUIC, HTTP/3 and ICMP targets: is real-time media possible from here, and how good would it be?
#[derive(Args, Clone, Debug)]
pub struct Udp {
    /// A STUN server known to answer, asked once when UDP stays silent (repeatable)
    #[arg(long = "control", value_name = "stun:HOST:PORT", value_parser = control::parse)]
    control: Vec<Target>,
    /// Try every transport of media on this TURN server at once and name the best that works (repeatable)
    #[arg(long, value_name = "HOST", value_parser = host)]
    media_ladder: Vec<Target>,
    /// The rungs of the media ladder, best first
    #[arg(
        long,
        value_name = "RUNGS",
        value_delimiter = ',',
        default_value = "udp:443,udp:3478,tcp:443,tls:443"
    )]
    pub ladder: Vec<Rung>,
    #[command(flatten)]
    pub series: Series,
    /// Mean opinion score below which a path is degraded (with --count; 1 to 4.5)
    #[arg(long, value_name = "SCORE", default_value = "3.5")]
    pub min_mos: f64,
    /// Find the path MTU with ICMP (icmp targets)
    #[arg(long)]
    pub mtu: bool,
    /// ALPN protocol offered to quic targets (repeatable)
    #[arg(long, value_name = "NAME", default_value = "h3")]
    alpn: Vec<String>,
    /// The controls and how they answered.
    #[arg(skip)]
    pub controls: Controls,
    /// What STUN servers saw of us.
    #[arg(skip)]
    pub mappings: Mappings,
    /// TURN_USERNAME and TURN_PASSWORD.
    #[arg(skip)]
    pub credentials: Option<Credentials>,
    /// The series of an echo: as flagged, or a few.
    #[arg(skip)]
    pub echo: Series,
}

/// A series of probes.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Series {
    /// Send N probes of one packet each and measure loss, delay, jitter and MOS (stun, turn with credentials, icmp)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub count: Option<u32>,
    /// Milliseconds from one probe to the next
    #[arg(long, value_name = "MS", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=60_000))]
    interval: u32,
}

impl Series {
    /// How long it takes to send.
    pub fn lasts(&self) -> Duration {
        Duration::from_millis(u64::from(self.interval)) * self.count.unwrap_or(0)
    }

    /// How it is sent: the last answer is waited for as long as a stage, and all ends before the deadline does.
    pub fn plan(&self, net: &Net) -> Plan {
        Plan {
            count: self.count.unwrap_or(1),
            interval: Duration::from_millis(u64::from(self.interval)),
            patience: net.timeout().min(Duration::from_secs(2)),
            end: now() + net.left().mul_f64(0.75).max(net.left().saturating_sub(Duration::from_secs(1))),
        }
    }
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

impl Udp {
    /// The ALPN protocols a target is offered.
    pub fn alpn_of(&self, target: &Target) -> Vec<Vec<u8>> {
        match target.scheme.name {
            "h3" => vec![b"h3".to_vec()],
            _ => self.alpn.iter().map(|name| name.as_bytes().to_vec()).collect(),
        }
    }
}

impl Check for Udp {
    const NAME: &'static str = "udp";
    const TOOL: &'static str = "check-udp";
    const PROXIED: bool = false;
    const EXAMPLES: &'static str = "\
Examples:
  check-udp stun://stun.l.google.com:19302 stun://stun.cloudflare.com
  check-udp --count 200 --interval 20 stun://stun.l.google.com:19302
  check-udp turn://turn.example.com 'turn://turn.example.com?transport=tcp' turns://turn.example.com
  check-udp --media-ladder turn.example.com --control stun:stun.l.google.com:19302
  check-udp quic://www.example.com h3://www.example.com/ icmp://192.0.2.1 --mtu

Credentials for TURN come from the environment: TURN_USERNAME and TURN_PASSWORD.";

    type Facts = Facts;

    fn prepare(&mut self) -> Result<(), String> {
        self.controls = Controls::new(std::mem::take(&mut self.control));
        self.echo = Series { count: self.series.count.or(Some(ECHOES)), ..self.series };
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        self.credentials = match (set("TURN_USERNAME"), set("TURN_PASSWORD")) {
            (Some(user), Some(password)) => Some(Credentials { user, password }),
            (None, None) => None,
            _ => return Err("TURN_USERNAME and TURN_PASSWORD are given together or not at all".to_owned()),
        };
        if (1.0..=4.5).contains(&self.min_mos) {
            Ok(())
        } else {
            Err("--min-mos: a score from 1 to 4.5".to_owned())
        }
    }

    fn lasts(&self) -> Duration {
        self.series.lasts()
    }

    fn secrets(&self) -> Secrets {
        self.credentials.iter().map(|known| known.password.clone()).collect()
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
            "turn" if target.path == "?ladder" => Box::pin(ladder::check(self, target, trace)),
            "turn" | "turns" => Box::pin(turn::check(self, target, trace)),
            "quic" => Box::pin(quic::check(self, target, trace)),
            "h3" => Box::pin(h3::check(self, target, trace)),
            "icmp" => Box::pin(icmp::check(self, target, trace)),
            _ => Box::pin(stun::check(self, target, trace)),
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
        Box::pin(explain::explain(self, target, facts, observed, diagnosis)).await
    }
}

/// What is wrong when a series says that a conversation would suffer.
pub fn lossy(quality: &Quality, least: f64, target: &Target) -> Option<(Failure, Cause)> {
    (quality.mos < least).then(|| {
        let detail = format!("MOS {:.2} is below {least}: {}", quality.mos, quality.words());
        let failure = Failure::new(Code::UdpTimeout, detail);
        let fix = format!(
            "Find where UDP to {} loses or delays packets: a full line, wireless, a rate limit, or missing priority for media.",
            target.authority()
        );
        let cause = Cause::new(Reason::LossyPath, Who::Network, fix).sure(Confidence::Medium).seen(quality.words());
        (failure, cause)
    })
}

/// Bytes nobody can guess. Without a source of randomness they are zeros: a question is then still answered.
pub fn random<const N: usize>() -> [u8; N] {
    // Drawn from the system a block at a time: in a sweep, a system call for each probe would count.
    static BLOCK: Mutex<(usize, [u8; 1536])> = Mutex::new((0, [0; 1536]));
    let mut block = BLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let (left, bytes) = &mut *block;
    if *left < N {
        let _ = SystemRandom::new().fill(bytes);
        *left = bytes.len();
    }
    *left -= N;
    // What was handed out once never is again.
    let mut drawn = [0; N];
    drawn.swap_with_slice(&mut bytes[*left..*left + N]);
    drawn
}
