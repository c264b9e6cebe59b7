//! check-wss: `ws` and `wss` targets, from the upgrade to connections held idle.

use std::time::Duration;

use clap::Args;
use netcheck_common::check::Check;
use netcheck_common::code_kind::CodeKind;
use netcheck_common::diagnose::{self, Diagnosis, Finding};
use netcheck_common::failure::{Code, Failure};
use netcheck_common::net::Net;
use netcheck_common::scheme::DefaultPort;
use netcheck_common::secret::Secrets;
use netcheck_common::signature;
use netcheck_common::target::Target;
use netcheck_common::tls::Trust;
use netcheck_common::trace::{Observed, Stopped, Trace};

use crate::after_upgrade::FramePlan;
use crate::connection::WsConnection;
use crate::extra_connections::{self, Opener};
use crate::facts::{Facts, HOLD, WS};
use crate::header::Headers;
use crate::hold::{self, HoldPlan};
use crate::situation::{Carrier, Nearer, Situation};
use crate::upgrade::UpgradeRequest;
use crate::upgrade_io::{UpgradeAnswer, upgrade};

/// Checks that a WebSocket opens, that frames pass both ways, and that an idle connection stays open.
///
/// Targets: wss://HOST[:443][/PATH], ws://HOST[:80][/PATH].
/// Ports may be ranges and lists (10000-10050,443), hosts may have braces ({eu,us}), addresses may be blocks (10.0.0.0/24).
#[derive(Args, Debug)]
pub struct Wss {
    /// Number of pings
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) count: u32,
    /// Time between pings
    #[arg(long, value_name = "MS", default_value = "200", value_parser = clap::value_parser!(u64).range(1..=600_000))]
    pub(crate) interval: u64,
    /// Send this text and wait until the server sends it back
    #[arg(long, value_name = "TEXT")]
    pub(crate) echo: Option<String>,
    /// Leave connections idle for up to this time and report whether they are cut
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) hold: Option<Duration>,
    /// Number of idle connections; each is used again after a different part of the time
    #[arg(long, alias = "lines", value_name = "N", default_value = "4", requires = "hold", value_parser = clap::value_parser!(u32).range(1..=32))]
    pub(crate) connections: u32,
    /// Also hold one connection that is pinged this often
    #[arg(long, value_name = "SECONDS", requires = "hold", value_parser = seconds)]
    pub(crate) keepalive: Option<Duration>,
    /// End the hold as soon as the pinged connection ends
    #[arg(long, requires = "keepalive")]
    pub(crate) stop_at_cut: bool,
    /// Request this subprotocol (repeatable, preferred first)
    #[arg(long, value_name = "NAME")]
    subprotocol: Vec<String>,
    /// Send this Origin header, as a browser does
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// Send this header; $NAME is replaced from the environment and never shown (repeatable)
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Offer permessage-deflate, as browsers do
    #[arg(long, conflicts_with = "echo")]
    deflate: bool,
    #[arg(skip)]
    pub(crate) headers: Headers,
}

impl Check for Wss {
    const NAME: &'static str = "wss";
    const TOOL: &'static str = "check-wss";
    const EXAMPLES: &'static [&'static str] = &[
        "check-wss wss://backstage.example.com/socket",
        "check-wss --count 10 --interval 500 ws://example.com/chat",
        "check-wss --hold 600 --keepalive 30 wss://example.com/socket",
        "TOKEN=secret check-wss --header 'Authorization: Bearer $TOKEN' wss://example.com/socket",
    ];
    const VARIABLES: &'static [(&'static str, &'static str)] = &[("NAME", "each $NAME in --header")];
    type Facts = Facts;

    fn validate(&mut self) -> Result<(), String> {
        self.headers = Headers::read(&self.header, |name| std::env::var(name))?;
        let plain = |text: &String| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
        };
        if !self.subprotocol.iter().all(plain) {
            return Err("--subprotocol: one name of letters, digits and signs".into());
        }
        if !self.origin.iter().all(plain) {
            return Err("--origin: a URL such as https://example.com".into());
        }
        Ok(())
    }

    fn secrets(&self) -> Secrets {
        self.headers.secrets.clone()
    }

    fn extra_time(&self) -> Duration {
        let pings = Duration::from_millis(self.interval) * (self.count - 1);
        pings + self.hold.unwrap_or_default()
    }

    async fn check(&self, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
        let mut stream = trace.reach(target).await?;
        if target.scheme.is_tls() {
            stream = trace.secure(stream, &extra_connections::hello(target)).await?.stream;
        }
        let request = self.request(target);
        let mut answer = UpgradeAnswer::default();
        let net = trace.net();
        let work = async {
            answer = upgrade(&mut stream, &request, &self.headers).await?;
            match &answer.judged {
                Some(Err(failure)) => Err(failure.clone()),
                _ => Ok(()),
            }
        };
        let upgraded = trace.stage(WS, work).await;
        self.describe(&answer, &net, &mut trace.facts);
        upgraded?;
        let mut connection = WsConnection::new(stream, answer.tail, self.headers.clone()).await;
        let frames = self.frames().run(&mut connection, trace).await;
        trace.facts.unasked = (connection.unasked > 0).then_some(connection.unasked);
        trace.facts.server_pings = (connection.server_pings > 0).then_some(connection.server_pings);
        frames?;
        match self.hold {
            // What a Close was sent on cannot be held.
            Some(hold) if trace.facts.after_upgrade.is_none() => {
                self.hold_idle(target, trace, connection, hold, &request).await
            }
            _ => {
                connection.leave().await;
                Ok(())
            }
        }
    }

    async fn explain(
        &self,
        target: &Target,
        facts: &Facts,
        observed: &Observed,
        net: &Diagnosis,
    ) -> Option<Finding> {
        let unexplained =
            || observed.degraded.iter().find(|(_, cause)| cause.is_none()).map(|(failure, _)| failure);
        let failure = observed.failure.as_ref().or_else(unexplained)?;
        let carrier = match observed.path.trust {
            Some(Trust::Public) => Carrier::PublicTls,
            Some(_) => Carrier::InterceptedTls,
            None => Carrier::Cleartext,
        };
        let opener = Opener { target, net, peer: observed.path.peer, headers: &self.headers };
        let mut situation = Situation {
            target,
            failure,
            carrier,
            proxy: observed.path.proxy.as_deref(),
            page: observed.path.answer.as_ref().and_then(signature::match_page),
            control: None,
            nearer: None,
            chooses_http2: false,
            facts,
        };
        if net.diagnoses() {
            situation.control = control(failure, facts, carrier, &opener).await;
            situation.nearer = nearer_acceptor(&situation, observed, net).await;
            situation.chooses_http2 = failure.code == Code::TlsAlpn && opener.chooses_http2().await;
        }
        explain(&situation)
    }
}

/// The cause, where this protocol's rules know one.
fn explain(situation: &Situation<'_>) -> Option<Finding> {
    let code = situation.failure.code;
    if code == Code::HttpMalformed && situation.carrier == Carrier::PublicTls {
        return Some(situation.service(&situation.failure.detail));
    }
    if code == Code::TlsAlpn && situation.chooses_http2 {
        return Some(situation.only_http2());
    }
    if code == Code::WsIdleClosed {
        return situation.facts.hold.as_ref().map(|hold| situation.cut(hold));
    }
    if code.layer() != "ws" {
        return None;
    }
    match code.kind() {
        CodeKind::Rejected | CodeKind::Malformed => Some(situation.answered()),
        CodeKind::Timeout | CodeKind::Reset | CodeKind::Closed | CodeKind::Quality => situation.ended(),
        CodeKind::Refused
        | CodeKind::Unreachable
        | CodeKind::Prohibited
        | CodeKind::NotSent
        | CodeKind::Name
        | CodeKind::Certificate
        | CodeKind::Parameters
        | CodeKind::Authentication
        | CodeKind::Foreign
        | CodeKind::Mail
        | CodeKind::NotProbed => None,
    }
}

/// How the same request without Upgrade is answered, where the upgrade was not.
async fn control(failure: &Failure, facts: &Facts, carrier: Carrier, opener: &Opener<'_>) -> Option<u16> {
    let unanswered = matches!(failure.code, Code::WsReset | Code::WsClosed | Code::WsTimeout);
    if !unanswered || facts.status.is_some() || carrier == Carrier::PublicTls {
        return None;
    }
    opener.plain_request().await
}

/// The device that accepted a connection without TLS nearer than the service, where the upgrade was refused.
async fn nearer_acceptor(situation: &Situation<'_>, observed: &Observed, net: &Diagnosis) -> Option<Nearer> {
    let refused =
        matches!(situation.failure.code, Code::WsStatus | Code::WsUpgradeMissing | Code::WsBadAccept);
    if !refused
        || situation.carrier != Carrier::Cleartext
        || situation.proxy.is_some()
        || situation.page.is_some()
    {
        return None;
    }
    let found =
        diagnose::intercepted_by(situation.target, observed.path.peer?, situation.failure, net).await?;
    let sign = found.cause.evidence.last().cloned().unwrap_or_default();
    Some(Nearer { near: found.cause.near, who: found.cause.who, sign })
}

impl Wss {
    fn request(&self, target: &Target) -> UpgradeRequest {
        let own = matches!(target.scheme.port, DefaultPort::Is(port) if port == target.port());
        let request = UpgradeRequest {
            path: target.request_path(),
            host: if own { target.host.to_string() } else { target.authority() },
            key: String::new(),
            origin: self.origin.clone(),
            subprotocols: self.subprotocol.clone(),
            headers: self.headers.fields.clone(),
            deflate: self.deflate,
        };
        request.with_new_key()
    }

    fn frames(&self) -> FramePlan<'_> {
        let interval = Duration::from_millis(self.interval);
        FramePlan { count: self.count, interval, echo: self.echo.as_deref() }
    }

    fn describe(&self, answer: &UpgradeAnswer, net: &Net, facts: &mut Facts) {
        let Some(judged) = &answer.judged else { return };
        answer.describe(facts);
        facts.deflate = Some("not_offered".into());
        match judged {
            Ok(agreed) => {
                facts.subprotocol.clone_from(&agreed.subprotocol);
                if self.deflate {
                    facts.deflate = Some(if agreed.deflates() { "accepted" } else { "declined" }.into());
                }
            }
            Err(_) => {
                facts.deflate = self.deflate.then(|| "offered".into());
                net.see(|seen| seen.answer = Some(answer.page()));
            }
        }
    }

    /// The stage `hold`.
    async fn hold_idle(
        &self,
        target: &Target,
        trace: &mut Trace<Facts>,
        first: WsConnection,
        hold: Duration,
        request: &UpgradeRequest,
    ) -> Result<(), Stopped> {
        let net = trace.net();
        let opener = Opener { target, net: &net, peer: net.peer(), headers: &self.headers };
        net.keep_measurement();
        let (keepalive, stop_at_cut) = (self.keepalive, self.stop_at_cut);
        let plan = HoldPlan { hold, keepalive, patience: net.timeout(), stop_at_cut };
        let more =
            usize::try_from(self.connections - 1).unwrap_or_default() + usize::from(self.keepalive.is_some());
        let mut held = None;
        let work = async {
            let mut connections = opener.open(request, more).await;
            let pinged = self.keepalive.and_then(|_| connections.pop());
            connections.push(first);
            let mut bracket = plan.hold(&net, connections, pinged).await;
            if bracket.cut_s.is_some() {
                bracket.again = Some(!opener.open(request, 1).await.is_empty());
            }
            let outcome = hold::failure_of(&bracket);
            held = Some(bracket);
            outcome
        };
        let outcome = trace.stage_within(HOLD, plan.lasts() + 3 * net.timeout(), work).await;
        trace.facts.hold = held;
        outcome
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value <= 86_400.0 => Ok(Duration::from_secs_f64(value)),
        _ => Err("a number of seconds above 0, at most 86400".into()),
    }
}
