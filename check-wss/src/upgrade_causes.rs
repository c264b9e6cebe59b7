//! Causes of an upgrade that drew another answer than the right one, or none.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::diagnose::Finding;
use netcheck_common::fix::{Filter, Fix};
use netcheck_common::record::Verdict;
use netcheck_common::signature::{Match, Page};

use crate::situation::{Carrier, Situation, finding};

/// Header fields that proxies add, and the values of `Via` that a service's own CDN or load balancer sends.
const PROXY_FIELDS: [&str; 4] = ["via", "x-squid-error", "proxy-connection", "proxy-agent"];
const CDNS: [&str; 7] = ["varnish", "cloudfront", "google", "vegur", "akamai", "fastly", "cloudflare"];

impl Situation<'_> {
    /// The upgrade drew an HTTP answer that is not the right one.
    pub fn answered(&self) -> Finding {
        if let Some(page) = &self.page {
            return self.page(page);
        }
        match self.carrier {
            Carrier::PublicTls => self.service(&self.failure.detail),
            Carrier::InterceptedTls => self.filtered(self.signs()),
            Carrier::Cleartext => self.in_the_clear(),
        }
    }

    fn page(&self, page: &Match) -> Finding {
        let (reason, fix) = match page.page {
            Page::Block => (Reason::BlockPage, Fix::exempt(self.target, Filter::WebFilter)),
            Page::Portal => (Reason::CaptivePortal, Fix::LogIn { url: None }),
        };
        let cause = Cause::new(reason, self.device_owner(), fix)
            .with_confidence(Confidence::Medium)
            .with_evidence(self.failure.detail.clone())
            .with_evidence(format!("{} is a mark of {}", page.mark, page.vendor));
        finding(Verdict::Fail, cause)
    }

    /// Nothing can strip an Upgrade inside intact TLS: the service itself answered so.
    pub fn service(&self, answer: &str) -> Finding {
        let cause = Cause::new(self.refusal(), Who::Service, self.ask_operator(self.what_to_ask()))
            .with_confidence(Confidence::Medium)
            .with_evidence(format!("the service answered: {answer}"));
        finding(Verdict::Degraded, self.with_carrier(cause))
    }

    /// What the status says of a service that answers for itself.
    fn refusal(&self) -> Reason {
        match self.facts.status {
            Some(500..) => Reason::ServiceDown,
            Some(400..) => Reason::ServiceRefused,
            _ => Reason::ServiceMisconfigured,
        }
    }

    fn what_to_ask(&self) -> String {
        let header =
            |name: &str| self.facts.headers.get(name).map_or(String::new(), |value| format!(" ({value})"));
        match self.facts.status {
            Some(401 | 403) => format!(
                "it wants credentials for this WebSocket{}: send what it asks for with --header",
                header("www-authenticate")
            ),
            Some(404) => "it has no WebSocket at this path: check the path of the target".into(),
            Some(426) => format!("it wants another version of WebSocket{}", header("sec-websocket-version")),
            Some(300..=399) => format!("it redirects WebSockets{}: check the new address", header("location")),
            Some(500..) => "its WebSocket fails: check that the service runs".into(),
            _ => "it answers the upgrade otherwise than with 101: check the path, or what it asks for (--header, --origin, --subprotocol)".into(),
        }
    }

    /// Without TLS anybody may have answered.
    fn in_the_clear(&self) -> Finding {
        if self.facts.status == Some(407) {
            return finding(Verdict::Fail, self.proxy_wants_credentials());
        }
        let signs = self.signs();
        if !signs.is_empty() {
            return self.filtered(signs);
        }
        match self.facts.status {
            Some(300..=399 | 401 | 404 | 426) => self.own_answer(),
            // Whoever fails fails without a filter, too.
            Some(500..) => {
                let cause = Cause::new(Reason::Unknown, Who::Unknown, self.ask_operator(self.what_to_ask()));
                finding(Verdict::Fail, cause.with_evidence(self.upgrade_answer()))
            }
            _ => self.filtered(signs),
        }
    }

    /// An answer that services give by themselves, without a sign of anybody else.
    fn own_answer(&self) -> Finding {
        // A bare 426 says only that the upgrade was not seen, or not liked.
        let bare =
            self.facts.status == Some(426) && !self.facts.headers.contains_key("sec-websocket-version");
        let (reason, who) =
            if bare { (Reason::Unknown, Who::Unknown) } else { (Reason::ServiceRefused, Who::Service) };
        let cause = Cause::new(reason, who, self.ask_operator(self.what_to_ask()))
            .with_evidence(self.upgrade_answer())
            .with_evidence("nothing in the answer or its distance shows a device on the path");
        finding(Verdict::Degraded, cause)
    }

    fn upgrade_answer(&self) -> String {
        format!("the upgrade was answered: {}", self.failure.detail)
    }

    /// The upgrade was stripped or refused on the path.
    fn filtered(&self, signs: Vec<String>) -> Finding {
        let near = self.nearer.as_ref().and_then(|nearer| nearer.near);
        let mut cause = Cause::new(Reason::WebsocketFilter, self.device_owner(), self.permit())
            .at_hop(near)
            .with_evidence(self.upgrade_answer());
        cause = match (self.carrier, self.proxy) {
            (Carrier::Cleartext, Some(proxy)) => {
                cause.with_evidence(format!("{proxy} granted the tunnel (CONNECT)"))
            }
            (Carrier::Cleartext, None) | (Carrier::PublicTls | Carrier::InterceptedTls, _) => {
                self.with_carrier(cause)
            }
        };
        let second = !signs.is_empty() || self.carrier == Carrier::InterceptedTls;
        cause = signs.into_iter().fold(cause, Cause::with_evidence);
        finding(
            Verdict::Fail,
            cause.with_confidence(if second { Confidence::Medium } else { Confidence::Low }),
        )
    }

    fn proxy_wants_credentials(&self) -> Cause {
        let fix = match self.proxy {
            Some(proxy) => {
                let destination = netcheck_common::fix::Destination::of(self.target);
                Fix::Authenticate { proxy: proxy.to_owned(), destination }
            }
            None => Fix::exempt(self.target, Filter::ProxyAuthentication),
        };
        Cause::new(Reason::ProxyAuth, Who::Proxy, fix)
            .with_confidence(Confidence::Medium)
            .with_evidence("407: a proxy asks for credentials, and an origin server never sends that")
    }

    /// What shows that a device on the path answered, or changed the request.
    fn signs(&self) -> Vec<String> {
        let field = |name: &'static str| self.facts.headers.get(name).map(|value| (name, value));
        let is_cdn = |value: &str| CDNS.iter().any(|cdn| value.to_ascii_lowercase().contains(cdn));
        let mut signs: Vec<String> = PROXY_FIELDS
            .into_iter()
            .filter_map(field)
            .filter(|(name, value)| *name != "via" || !is_cdn(value))
            .map(|(name, value)| format!("the answer has the header {name}: {value}"))
            .collect();
        signs.extend(self.asks_for_what_was_sent());
        signs.extend(self.nearer.as_ref().map(|nearer| nearer.sign.clone()));
        signs
    }

    /// 426 names what the server wants. Where that is what was sent, somebody took it out on the path.
    fn asks_for_what_was_sent(&self) -> Option<String> {
        let upgrade = self.facts.headers.get("upgrade")?.to_ascii_lowercase();
        let versions = self.facts.headers.get("sec-websocket-version");
        let version = versions.is_none_or(|all| all.split(',').any(|one| one.trim() == "13"));
        let same = self.facts.status == Some(426)
            && version
            && upgrade.split(',').any(|one| one.trim() == "websocket");
        same.then(|| {
            "426 asks for the upgrade to WebSocket 13 that was sent: the server did not receive it".into()
        })
    }

    /// The upgrade met silence or a cut, the same request without it an answer.
    pub fn upgrade_filtered(&self, status: u16) -> Finding {
        let cause = Cause::new(Reason::WebsocketFilter, self.device_owner(), self.permit())
            .with_confidence(Confidence::Medium)
            .with_evidence(format!("the upgrade was not answered: {}", self.failure.detail))
            .with_evidence(format!("the same request without Upgrade was answered with status {status}"));
        finding(Verdict::Fail, cause)
    }

    /// The server refuses HTTP/1.1 and chooses HTTP/2, inside public TLS.
    pub fn only_http2(&self) -> Finding {
        let about = "it speaks only HTTP/2 (ALPN h2), whose connections have no upgrade to WebSocket: offer HTTP/1.1 there";
        let cause = Cause::new(Reason::ServiceMisconfigured, Who::Service, self.ask_operator(about))
            .with_confidence(Confidence::Medium)
            .with_evidence(self.failure.detail.clone())
            .with_evidence(
                "offered HTTP/2 as well, the server chose it, inside TLS that the public roots vouch for",
            );
        finding(Verdict::Degraded, cause)
    }
}
