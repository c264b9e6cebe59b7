//! check-wss: `ws` and `wss` targets, from the upgrade to connections held idle.

use std::time::Duration;

use base64::Engine as _;
use clap::Args;
use netcheck_common::check::Check;
use netcheck_common::diagnose::{Diagnosis, Finding};
use netcheck_common::failure::Code;
use netcheck_common::net::Net;
use netcheck_common::scheme::DefaultPort;
use netcheck_common::secret::Secrets;
use netcheck_common::signature;
use netcheck_common::target::Target;
use netcheck_common::tls::Trust;
use netcheck_common::trace::{Observed, Stopped, Trace};
use ring::rand::SecureRandom;

use crate::evidence::{Answered, WS, upgrade};
use crate::facts::Facts;
use crate::header::Headers;
use crate::judge::{Carrier, Sighting};
use crate::line::Line;
use crate::opening;
use crate::upgrade::Offer;

/// The flags of its own.
#[derive(Args, Debug)]
pub struct Wss {
    /// Pings to send
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) count: u32,
    /// Time from one ping to the next
    #[arg(long, value_name = "MS", default_value = "200", value_parser = clap::value_parser!(u64).range(1..=600_000))]
    pub(crate) interval: u64,
    /// Send this text and wait until it comes back
    #[arg(long, value_name = "TEXT")]
    pub(crate) echo: Option<String>,
    /// Leave connections idle for up to so long, and see whether they are cut
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) hold: Option<Duration>,
    /// Connections held: each is used again after another part of the time
    #[arg(long, value_name = "N", default_value = "4", requires = "hold", value_parser = clap::value_parser!(u32).range(1..=32))]
    pub(crate) lines: u32,
    /// Beside the idle ones, hold a connection that is pinged this often
    #[arg(long, value_name = "SECONDS", requires = "hold", value_parser = seconds)]
    pub(crate) keepalive: Option<Duration>,
    /// Ask for this subprotocol (repeatable, best first)
    #[arg(long, value_name = "NAME")]
    subprotocol: Vec<String>,
    /// Send this Origin, as a browser does
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// Send this field too; $NAME is taken from the environment, and not shown (repeatable)
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
    const EXAMPLES: &'static str = "\
  check-wss wss://backstage.example.com/socket
  check-wss --count 10 --interval 500 ws://example.com/chat
  check-wss --hold 600 --keepalive 30 wss://example.com/socket
  TOKEN=… check-wss --header 'Authorization: Bearer $TOKEN' wss://example.com/socket";
    type Facts = Facts;

    fn prepare(&mut self) -> Result<(), String> {
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

    fn lasts(&self) -> Duration {
        let pings = Duration::from_millis(self.interval) * (self.count - 1);
        pings + self.hold.unwrap_or_default()
    }

    async fn check(&self, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
        let mut stream = trace.reach(target).await?;
        if target.scheme.is_tls() {
            stream = trace.secure(stream, &opening::hello(target)).await?.stream;
        }
        let offer = self.offer(target);
        let mut answered = Answered::default();
        let net = trace.net();
        let work = async {
            answered = upgrade(&mut stream, &offer, &self.headers).await?;
            match &answered.judged {
                Some(Err(failure)) => Err(failure.clone()),
                _ => Ok(()),
            }
        };
        let stood = trace.stage(WS, work).await;
        self.describe(&answered, &net, &mut trace.facts);
        stood?;
        let mut line = Line::new(stream, answered.tail, self.headers.clone()).await;
        let used = self.use_line(&mut line, trace).await;
        trace.facts.unasked = (line.unasked > 0).then_some(line.unasked);
        used?;
        match self.hold {
            Some(hold) => self.hold(target, trace, line, hold).await,
            None => {
                line.leave().await;
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
        let failure = observed.failure.as_ref()?;
        let carrier = match observed.seen.trust {
            Some(Trust::Public) => Carrier::Genuine,
            Some(_) => Carrier::Inspected,
            None => Carrier::Plain,
        };
        let unanswered = matches!(failure.code, Code::WsReset | Code::WsClosed | Code::WsTimeout);
        let control =
            match unanswered && facts.status.is_none() && carrier != Carrier::Genuine && net.diagnoses() {
                true => self.plain_request(target, net, observed.seen.peer).await,
                false => None,
            };
        let sighting = Sighting {
            authority: target.authority(),
            failure,
            carrier,
            proxy: observed.seen.proxy.as_deref(),
            page: observed.seen.answer.as_ref().and_then(signature::match_page),
            control,
            facts,
        };
        sighting.explain()
    }
}

impl Wss {
    pub(crate) fn offer(&self, target: &Target) -> Offer {
        let mut key = [0; 16];
        // Without randomness the key is still a key; only a cache could profit.
        let _ = ring::rand::SystemRandom::new().fill(&mut key);
        let own = matches!(target.scheme.port, DefaultPort::Is(port) if port == target.port());
        Offer {
            path: target.request_path(),
            host: if own { target.host.to_string() } else { target.authority() },
            key: base64::engine::general_purpose::STANDARD.encode(key),
            origin: self.origin.clone(),
            subprotocols: self.subprotocol.clone(),
            headers: self.headers.fields.clone(),
            deflate: self.deflate,
        }
    }

    fn describe(&self, answered: &Answered, net: &Net, facts: &mut Facts) {
        let Some(judged) = &answered.judged else { return };
        answered.describe(facts);
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
                net.see(|seen| seen.answer = Some(answered.page()));
            }
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value <= 86_400.0 => Ok(Duration::from_secs_f64(value)),
        _ => Err("a number of seconds above 0, at most 86400".into()),
    }
}
