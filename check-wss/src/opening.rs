//! Further connections to where the first one went, left out of the record: lines to hold, and a control.

use std::net::SocketAddr;
use std::time::Duration;

use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::http::Request;
use netcheck_common::net::Net;
use netcheck_common::stream::Stream;
use netcheck_common::target::Target;
use netcheck_common::tls::Hello;
use netcheck_common::trace::{Stopped, Trace};

use crate::check::Wss;
use crate::evidence::upgrade;
use crate::facts::Facts;
use crate::hold::{self, HOLD, Plan};
use crate::line::Line;

impl Wss {
    /// The stage `hold`.
    pub(crate) async fn hold(
        &self,
        target: &Target,
        trace: &mut Trace<Facts>,
        line: Line,
        hold: Duration,
    ) -> Result<(), Stopped> {
        let net = trace.net();
        let plan = Plan { hold, keepalive: self.keepalive, patience: net.timeout() };
        let mut held = None;
        let work = async {
            let (lines, kept) = self.lines(target, &net, line).await;
            let mut bracket = plan.hold(lines, kept).await;
            if bracket.cut_s.is_some() {
                bracket.again = Some(self.another(target, &net).await.is_some());
            }
            let judged = hold::judge(&bracket);
            held = Some(bracket);
            judged
        };
        let outcome = trace.stage_within(HOLD, plan.lasts() + 3 * net.timeout(), work).await;
        trace.facts.hold = held;
        outcome
    }

    /// The lines to be held idle, shortest first, and the one to be kept awake.
    async fn lines(&self, target: &Target, net: &Net, line: Line) -> (Vec<Line>, Option<Line>) {
        let more =
            usize::try_from(self.lines - 1).unwrap_or_default() + usize::from(self.keepalive.is_some());
        let opened = futures_util::future::join_all((0..more).map(|_| self.another(target, net))).await;
        let mut lines: Vec<Line> = opened.into_iter().flatten().collect();
        let kept = self.keepalive.and_then(|_| lines.pop());
        lines.push(line);
        (lines, kept)
    }

    /// One more connection to where the first one went, as far as its upgrade.
    async fn another(&self, target: &Target, net: &Net) -> Option<Line> {
        let work = async {
            let mut stream = open(target, net, net.peer()).await?;
            let answered = upgrade(&mut stream, &self.offer(target), &self.headers).await?;
            answered.judged.unwrap_or_else(|| Err(Failure::new(Code::WsClosed, "no answer")))?;
            Ok::<_, Failure>(Line::new(stream, answered.tail, self.headers.clone()).await)
        };
        clock::within(net.timeout(), work).await?.ok()
    }

    /// The control experiment: the same request without Upgrade; its status, where it is answered.
    pub(crate) async fn plain_request(
        &self,
        target: &Target,
        net: &Net,
        peer: Option<SocketAddr>,
    ) -> Option<u16> {
        let secure = target.scheme.is_tls();
        let mut request = Request::get(&target.host, target.port(), secure, &target.request_path());
        request.headers.clone_from(&self.headers.fields);
        let work = async {
            let stream = open(target, net, peer).await?;
            net.aside().request(stream, &request).await
        };
        Some(clock::within(net.timeout(), work).await?.ok()?.status)
    }
}

/// A stream to where the first one went.
async fn open(target: &Target, net: &Net, peer: Option<SocketAddr>) -> Result<Stream, Failure> {
    let aside = net.aside();
    let stream = match net.proxy_for(target) {
        Some(proxy) => aside.through(&proxy, &target.host, target.port()).await?,
        None => {
            let peer = peer.ok_or_else(|| Failure::new(Code::DnsNoAddress, "no address"))?;
            aside.connect(&[peer.ip()], peer.port()).await?
        }
    };
    if target.scheme.is_tls() {
        return Ok(aside.handshake(stream, &aside.as_asked(&hello(target))).await?.stream);
    }
    Ok(stream)
}

/// The ClientHello, as a browser's for a WebSocket.
pub(crate) fn hello(target: &Target) -> Hello {
    let mut hello = Hello::of(target);
    // Over HTTP/2 the upgrade is another one (RFC 8441).
    hello.alpn = vec![b"http/1.1".to_vec()];
    hello
}
