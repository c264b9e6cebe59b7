//! From a failed upgrade or a cut line to its cause and verdict: rules without a socket.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::diagnose::Finding;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::record::Verdict;
use netcheck_common::signature::{Match, Page};

use crate::bracket::Bracket;
use crate::facts::{End, Facts};

/// What the bytes of the answer travelled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// TLS that the public roots vouch for: only the service itself can speak in it.
    Genuine,
    /// TLS that is opened on the way.
    Inspected,
    /// No TLS.
    Plain,
}

/// What is known when a WebSocket target failed.
#[derive(Debug)]
pub struct Sighting<'a> {
    /// `host:port`.
    pub authority: String,
    /// What was observed.
    pub failure: &'a Failure,
    /// What the answer travelled in.
    pub carrier: Carrier,
    /// The proxy that was asked for a tunnel.
    pub proxy: Option<&'a str>,
    /// A block page or a portal's page that was recognised.
    pub page: Option<Match>,
    /// How the same request without Upgrade was answered, where that was asked.
    pub control: Option<u16>,
    /// What the check learned.
    pub facts: &'a Facts,
}

impl Sighting<'_> {
    /// The cause, where this protocol's rules know one.
    pub fn explain(&self) -> Option<Finding> {
        match self.failure.code {
            Code::WsStatus | Code::WsUpgradeMissing | Code::WsBadAccept => Some(self.answered()),
            Code::HttpMalformed if self.carrier == Carrier::Genuine => Some(self.service("not HTTP")),
            Code::WsIdleClosed => self.facts.hold.as_ref().map(|hold| self.cut(hold)),
            Code::WsClosed | Code::WsReset | Code::WsNoPong | Code::WsTimeout => self.ended(),
            _ => None,
        }
    }

    /// The upgrade drew an HTTP answer that is not the right one.
    fn answered(&self) -> Finding {
        if let Some(page) = &self.page {
            return self.page(page);
        }
        match self.carrier {
            Carrier::Genuine => self.service(&self.failure.detail),
            Carrier::Inspected | Carrier::Plain => self.stripped(),
        }
    }

    fn page(&self, page: &Match) -> Finding {
        let (reason, fix) = match page.page {
            Page::Block => {
                (Reason::BlockPage, format!("Unblock {} in {}'s policy.", self.wanted(), page.vendor))
            }
            Page::Portal => {
                (Reason::CaptivePortal, format!("Log in at the portal of {}, then check again.", page.vendor))
            }
        };
        let cause = Cause::new(reason, self.between(), fix)
            .sure(Confidence::Medium)
            .seen(self.failure.detail.clone())
            .seen(format!("{} is a mark of {}", page.mark, page.vendor));
        finding(Verdict::Fail, cause)
    }

    /// Nothing can strip an Upgrade inside intact TLS: the service itself answered so.
    fn service(&self, answer: &str) -> Finding {
        let down = self.facts.status.is_some_and(|status| status >= 500);
        let reason = if down { Reason::ServiceDown } else { Reason::ServiceMisconfigured };
        let fix = format!(
            "Nothing to change in the network: {} is reached and gives this answer itself; ask for its WebSocket path, or send what it asks for (--header, --origin, --subprotocol).",
            self.authority
        );
        let cause = Cause::new(reason, Who::Service, fix)
            .sure(Confidence::Medium)
            .seen(format!("the service answered: {answer}"))
            .seen("the answer came inside TLS that the public roots vouch for");
        finding(Verdict::Degraded, cause)
    }

    fn stripped(&self) -> Finding {
        if self.facts.status == Some(407) {
            return finding(Verdict::Fail, self.demanded());
        }
        let signs = self.intermediaries();
        // Whoever fails fails without a filter, too.
        if self.facts.status.is_some_and(|status| status >= 500) && signs.is_empty() {
            let cause = Cause::new(Reason::Unknown, Who::Unknown, self.permit());
            return finding(
                Verdict::Fail,
                cause.seen(format!("the upgrade was answered: {}", self.failure.detail)),
            );
        }
        let mut cause = Cause::new(Reason::WebsocketFilter, self.between(), self.permit())
            .seen(format!("the upgrade was answered: {}", self.failure.detail));
        match (self.carrier, self.proxy) {
            (Carrier::Inspected, _) => {
                cause = cause.seen("TLS is opened on the way, and the answer came from there")
            }
            (_, Some(proxy)) => cause = cause.seen(format!("{proxy} granted the tunnel (CONNECT)")),
            _ => {}
        }
        let second = !signs.is_empty() || self.carrier == Carrier::Inspected;
        for sign in signs {
            cause = cause.seen(sign);
        }
        finding(Verdict::Fail, cause.sure(if second { Confidence::Medium } else { Confidence::Low }))
    }

    fn demanded(&self) -> Cause {
        let fix = format!("Configure the proxy's credentials, or exempt {} from it.", self.wanted());
        Cause::new(Reason::ProxyAuth, Who::Proxy, fix)
            .sure(Confidence::Medium)
            .seen("407: a proxy asks for credentials, and an origin server never sends that")
    }

    /// What in the answer shows that somebody stands between.
    fn intermediaries(&self) -> Vec<String> {
        let mut signs: Vec<String> = ["via", "x-squid-error", "proxy-connection", "proxy-agent"]
            .into_iter()
            .filter_map(|name| {
                Some(format!("the answer has the header {name}: {}", self.facts.headers.get(name)?))
            })
            .collect();
        if self.facts.status == Some(426) {
            signs.push("426: whoever answered did not see the Upgrade that was sent".into());
        }
        signs
    }

    /// The connection ended or fell silent, before or after the upgrade.
    fn ended(&self) -> Option<Finding> {
        if let Some(status) = self.control {
            return Some(self.singled_out(status));
        }
        let upgraded = self.facts.status == Some(101);
        let genuine = self.carrier == Carrier::Genuine;
        match self.facts.end.as_ref()? {
            // Frames flow both ways: whoever speaks WebSocket on the other side has hung up.
            end @ End::CloseFrame { .. } => {
                Some(self.hung_up(end, if genuine { Confidence::Medium } else { Confidence::Low }))
            }
            end if upgraded && genuine && end.is_spoken() => Some(self.hung_up(end, Confidence::Medium)),
            End::Silent if upgraded && genuine => Some(self.silent()),
            End::Silent if upgraded => {
                let cause = Cause::new(Reason::WebsocketFilter, self.between(), self.permit())
                    .seen("the upgrade passed, and no frame came back")
                    .sure(Confidence::Low);
                Some(finding(Verdict::Fail, cause))
            }
            End::Reset | End::Torn if upgraded && !genuine => Some(self.frames_cut()),
            _ => None,
        }
    }

    /// The upgrade passed, and the first frames were met by a cut.
    fn frames_cut(&self) -> Finding {
        let mut cause = Cause::new(Reason::WebsocketFilter, self.between(), self.permit())
            .seen(format!("the upgrade passed, then: {}", self.failure.detail));
        if self.carrier == Carrier::Inspected {
            cause = cause.seen("TLS is opened on the way").sure(Confidence::Medium);
        }
        finding(Verdict::Fail, cause)
    }

    /// The upgrade met silence or a cut, the same request without it an answer.
    fn singled_out(&self, status: u16) -> Finding {
        let cause = Cause::new(Reason::WebsocketFilter, self.between(), self.permit())
            .sure(Confidence::Medium)
            .seen(format!("the upgrade was not answered: {}", self.failure.detail))
            .seen(format!("the same request without Upgrade was answered with status {status}"));
        finding(Verdict::Fail, cause)
    }

    fn hung_up(&self, end: &End, sure: Confidence) -> Finding {
        let fix = format!("Nothing to change in the network: {} ends the connection itself.", self.authority);
        let mut cause = Cause::new(Reason::ServiceMisconfigured, Who::Service, fix)
            .sure(sure)
            .seen(format!("after the upgrade the connection was {}", end.words()));
        if self.carrier == Carrier::Genuine {
            cause = cause.seen("this came inside TLS that the public roots vouch for");
        }
        finding(Verdict::Degraded, cause)
    }

    fn silent(&self) -> Finding {
        let fix = format!(
            "Ask {} whether it answers WebSocket pings; if it does, permit WebSocket frames, not only the upgrade.",
            self.authority
        );
        let cause = Cause::new(Reason::Unknown, Who::Service, fix)
            .seen("101 with the right accept came inside TLS that the public roots vouch for")
            .seen(self.failure.detail.clone());
        finding(Verdict::Degraded, cause)
    }

    /// An idle line was cut: usable as long as it is not idle for so long.
    fn cut(&self, hold: &Bracket) -> Finding {
        let end = hold.first_end().unwrap_or(&End::Silent);
        let own = self.carrier == Carrier::Genuine && end.is_spoken();
        let timer = hold.is_consistent() && hold.again != Some(false) && !self.is_cut_despite_pings(hold);
        let reason = if timer { Reason::IdleTimeout } else { Reason::Unknown };
        let who = match end {
            _ if own => Who::Service,
            // A service says something when it hangs up; a device that forgets a flow does not.
            End::Silent if timer => Who::Network,
            _ => Who::Unknown,
        };
        let sure = match timer {
            true if hold.is_kept_by_pings() => Confidence::High,
            true if hold.again == Some(true) && (hold.alive_s.is_some() || hold.cut().count() > 1) => {
                Confidence::Medium
            }
            _ => Confidence::Low,
        };
        let fix = format!(
            "Keep idle connections to {} TCP for at least {} s, or have the client ping more often than they are cut ({}).",
            self.authority,
            hold.seconds,
            hold.words()
        );
        let cause = evidence(hold, Cause::new(reason, who, fix).sure(sure));
        let cause =
            if own { cause.seen("the end came inside TLS that the public roots vouch for") } else { cause };
        finding(Verdict::Degraded, cause)
    }

    fn is_cut_despite_pings(&self, hold: &Bracket) -> bool {
        hold.keepalive.as_ref().is_some_and(|kept| kept.end.is_some())
    }

    fn between(&self) -> Who {
        match self.proxy {
            Some(_) if self.carrier == Carrier::Plain => Who::Proxy,
            _ => Who::Network,
        }
    }

    fn wanted(&self) -> String {
        format!("WebSocket to {} TCP", self.authority)
    }

    fn permit(&self) -> String {
        format!("Allow {} and let the headers Upgrade and Connection pass unchanged.", self.wanted())
    }
}

fn evidence(hold: &Bracket, mut cause: Cause) -> Cause {
    for line in hold.cut() {
        let (Some(end), at) = (&line.end, line.idle_s) else { continue };
        cause = match end {
            End::Silent => cause.seen(format!("a connection left idle for {at} s no longer answered")),
            end => cause.seen(format!("an idle connection was {} after {at} s", end.words())),
        };
    }
    if let Some(alive) = hold.alive_s {
        cause = cause.seen(format!("a connection left idle for {alive} s was alive"));
    }
    if let Some(kept) = &hold.keepalive {
        let fate = kept.end.as_ref().map_or("lived".into(), |end| format!("was {} as well", end.words()));
        cause = cause.seen(format!("a connection pinged every {} s {fate}", kept.every_s));
    }
    match hold.again {
        Some(true) => cause.seen("a new connection stood at once"),
        Some(false) => cause.seen("a new connection failed as well"),
        None => cause,
    }
}

fn finding(verdict: Verdict, cause: Cause) -> Finding {
    Finding { verdict: Some(verdict), cause }
}
