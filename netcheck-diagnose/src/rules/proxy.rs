//! Causes of a way through a proxy that was not given: whose they are, and what to change.

use crate::Finding;
use crate::Observed;
use netcheck_net::proxy::ProxyObservations;
use netcheck_net::proxy::observed::{AuthFault, AuthObservation, DirectBy};
use netcheck_net::signature;
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::code_kind::CodeKind;
use netcheck_record::failure::{Code, Failure};
use netcheck_record::fix::{Destination, Filter, Fix, ProxyRepair};
use netcheck_record::proxy_fix::{LoginRepair, ScriptRepair};
use netcheck_record::record::Verdict;
use netcheck_record::target::Target;

/// How far two clocks may be apart before Kerberos refuses (RFC 4120 section 1.2), in seconds.
const SKEW: i64 = 300;

/// The proxy's own words, turned into whom to ask for what.
pub(crate) fn explain(target: &Target, observed: &Observed, failure: &Failure) -> Finding {
    let way = Way {
        proxy: observed.path.proxy.clone().unwrap_or_default(),
        destination: Destination::of(target),
        via: &observed.path.via,
        failure,
    };
    if matches!(failure.code, Code::ProxyPacUnreachable | Code::ProxyPacInvalid | Code::ProxyPacTimeout) {
        return Finding::with(Verdict::Degraded, way.script());
    }
    let cause = way.cause().with_evidence(failure.detail.clone());
    let denied = failure.code == Code::ProxyDenied;
    let page = observed.path.answer.as_ref().filter(|_| denied).and_then(signature::match_page);
    Finding::of(match page {
        Some(page) => cause.with_evidence(format!("its page is one of {} ({})", page.vendor, page.mark)),
        None => cause,
    })
}

/// Adds to a cause that the proxy script was of no use: a browser goes direct then, and so did the check. For a script that
/// does not end a browser waits.
#[must_use]
pub fn with_script_fault(cause: Cause, via: &ProxyObservations) -> Cause {
    match &via.script {
        Some(fault) if fault.code == Code::ProxyPacTimeout => cause.with_evidence(format!(
            "the PAC file {} is of no use ({}): this check went direct, and a browser waits for the file first",
            fault.url, fault.why
        )),
        Some(fault) => cause.with_evidence(format!(
            "the PAC file {} is of no use ({}), so a browser goes direct, as this check did",
            fault.url, fault.why
        )),
        None => cause,
    }
}

/// A cause of a target that a setting sends round the proxy: who reads of the drop learns first why it went there.
pub fn with_direct(mut cause: Cause, target: &Target, via: &ProxyObservations) -> Cause {
    let host = &target.host;
    // Only targets over TCP have such a setting.
    let there = if cause.code == Reason::FirewallDrop {
        format!("and TCP {} is dropped there", target.port())
    } else if cause.code == Reason::FirewallReject {
        format!("and TCP {} is refused there", target.port())
    } else {
        "without the proxy".to_owned()
    };
    let first = match &via.direct {
        Some(DirectBy::Script(url)) => format!("{host} goes DIRECT by your PAC file {url}, {there}"),
        Some(DirectBy::Exemption(entry)) => {
            format!("{host} goes DIRECT by the exemption \"{entry}\" of your proxy setting, {there}")
        }
        Some(DirectBy::Client(browser)) => {
            return cause.with_evidence(format!(
                "clients of this service take no proxy; a browser would reach {host} through {browser}"
            ));
        }
        None => return cause,
    };
    let told = std::mem::take(&mut cause.evidence);
    told.into_iter().fold(cause.with_evidence(first), Cause::with_evidence)
}

struct Way<'a> {
    proxy: String,
    destination: Destination,
    via: &'a ProxyObservations,
    failure: &'a Failure,
}

impl Way<'_> {
    fn cause(&self) -> Cause {
        let proxy = &self.proxy;
        let repair =
            |how| Fix::RepairProxy { proxy: proxy.clone(), how, destination: self.destination.clone() };
        let down = |how| Cause::new(Reason::ProxyDown, Who::Proxy, repair(how));
        let code = self.failure.code;
        match code.kind() {
            CodeKind::Authentication if code == Code::ProxyAuthImpossible => self.impossible(),
            CodeKind::Authentication if code == Code::ProxyAuthRefused => self.refused(),
            CodeKind::Authentication => self.required(),
            CodeKind::Rejected if code == Code::ProxyDenied => {
                let fix = Fix::Exempt {
                    from: Filter::ProxyPolicy,
                    destination: self.destination.clone(),
                    on_this_machine: false,
                    proxy: Some(proxy.clone()),
                };
                Cause::new(Reason::ProxyPolicy, Who::Proxy, fix).with_confidence(Confidence::Medium)
            }
            CodeKind::Rejected => {
                let cause =
                    Cause::new(Reason::ProxyUpstream, Who::Proxy, repair(ProxyRepair::ReachDestination))
                        .with_confidence(Confidence::Medium);
                match self.via.control {
                    Some(status) => cause.with_evidence(format!(
                        "meanwhile the same proxy answered another CONNECT, for a name that does not exist, with {status}"
                    )),
                    None => cause,
                }
            }
            CodeKind::Timeout if self.via.unanswered => {
                down(ProxyRepair::Answer).with_confidence(Confidence::Medium).with_evidence(
                    "it accepted a second connection and left a CONNECT for another name unanswered too",
                )
            }
            CodeKind::Malformed => down(ProxyRepair::CheckKind).with_confidence(Confidence::Low),
            CodeKind::Timeout
            | CodeKind::Reset
            | CodeKind::Closed
            | CodeKind::Refused
            | CodeKind::Unreachable
            | CodeKind::Prohibited
            | CodeKind::NotSent
            | CodeKind::Name
            | CodeKind::Certificate
            | CodeKind::Parameters
            | CodeKind::Foreign
            | CodeKind::Quality
            | CodeKind::Mail
            | CodeKind::NotProbed => {
                let tls = self.failure.underlying.is_some_and(|code| code.layer() == "tls");
                let repair = if tls { ProxyRepair::ReplaceCertificate } else { ProxyRepair::Start };
                down(repair).with_confidence(Confidence::Medium)
            }
        }
    }

    /// A cause whose fix repairs how this user logs in to the proxy.
    fn login(&self, reason: Reason, who: Who, repair: LoginRepair) -> Cause {
        let (proxy, destination) = (self.proxy.clone(), self.destination.clone());
        Cause::new(reason, who, Fix::RepairLogin { proxy, repair, destination })
    }

    /// The proxy asks, and nothing was sent.
    fn required(&self) -> Cause {
        let offered = &self.via.offered;
        let speaks =
            |scheme: &&String| ["basic", "negotiate"].contains(&scheme.to_ascii_lowercase().as_str());
        let spoken: Vec<&str> = offered.iter().filter(speaks).map(String::as_str).collect();
        if !offered.is_empty() && spoken.is_empty() {
            return self
                .login(Reason::ProxyScheme, Who::Proxy, LoginRepair::OfferScheme { offered: offered.clone() })
                .with_confidence(Confidence::Medium)
                .with_evidence(format!(
                    "it offers only {}, which this tool does not speak",
                    offered.join(", ")
                ));
        }
        let fix = Fix::Authenticate { proxy: self.proxy.clone(), destination: self.destination.clone() };
        let cause = Cause::new(Reason::ProxyAuth, Who::Proxy, fix).with_confidence(Confidence::Medium);
        if offered.is_empty() {
            return cause;
        }
        cause.with_evidence(format!(
            "it offers {}; this tool speaks {} of these",
            offered.join(", "),
            spoken.join(" and ")
        ))
    }

    /// The proxy asks, and no credentials could be made. What this machine or a KDC says of them is certain.
    fn impossible(&self) -> Cause {
        let Some(AuthObservation { fault: Some(fault), .. }) = &self.via.auth else { return self.required() };
        let (reason, who, repair) = match fault {
            AuthFault::Ticket(_) => (Reason::ProxyTicket, Who::Local, LoginRepair::RenewTicket),
            AuthFault::Spn { spn, .. } => {
                (Reason::ProxySpn, Who::Proxy, LoginRepair::RegisterSpn { spn: spn.clone() })
            }
            AuthFault::Clock { skew, .. } => {
                (Reason::ClockSkew, Who::Local, LoginRepair::SetClock { skew_s: *skew })
            }
            AuthFault::Kdc(_) => (Reason::KdcUnreachable, Who::Network, LoginRepair::ReachKdc),
            AuthFault::Login(_) => (Reason::ProxyAuth, Who::Local, LoginRepair::CorrectCredentials),
            AuthFault::ClearScript => (Reason::ProxyAuth, Who::Local, LoginRepair::SecureScript),
            AuthFault::NotBuilt => (Reason::ProxyAuth, Who::Local, LoginRepair::UseKerberos),
        };
        let sure = if matches!(fault, AuthFault::Kdc(_)) { Confidence::Medium } else { Confidence::High };
        self.login(reason, who, repair).with_confidence(sure)
    }

    /// Something was sent, and the proxy asks again.
    fn refused(&self) -> Cause {
        let Some(ticket) = self.via.ticket.as_ref().filter(|_| self.via.sent == Some("Negotiate")) else {
            let repair = LoginRepair::CorrectCredentials;
            return self.login(Reason::ProxyAuth, Who::Local, repair).with_confidence(Confidence::Medium);
        };
        if let Some(skew_s) = self.proxy_skew(ticket.offset).filter(|skew| skew.abs() > SKEW) {
            let way = if skew_s < 0 { "behind" } else { "ahead of" };
            return self
                .login(Reason::ClockSkew, Who::Proxy, LoginRepair::SetProxyClock { skew_s })
                .with_confidence(Confidence::Medium)
                .with_evidence(format!(
                    "its own Date is {} s {way} the clock of the KDC that issued the ticket",
                    skew_s.abs()
                ));
        }
        let key =
            ticket.kvno.map_or_else(|| "the current key".to_owned(), |kvno| format!("key version {kvno}"));
        let repair = LoginRepair::UpdateKeytab { spn: ticket.spn.clone(), kvno: ticket.kvno };
        let cause = self
            .login(Reason::ProxyKeytab, Who::Proxy, repair)
            .with_confidence(Confidence::Medium)
            .with_evidence(format!("a fresh ticket for {}, made with {key}, was refused", ticket.spn));
        match self.via.proxy_error {
            Some((code, _)) => cause.with_evidence(format!("the proxy's own Kerberos error is {code}")),
            None => cause,
        }
    }

    /// How far the proxy's clock is ahead of the KDC's, in seconds.
    fn proxy_skew(&self, offset: i64) -> Option<i64> {
        let seen = self.via.auth.as_ref()?;
        Some(seen.date? - (seen.now + offset))
    }

    /// A script that is of no use.
    fn script(&self) -> Cause {
        let url = self.via.script.as_ref().map(|fault| fault.url.clone()).unwrap_or_default();
        let how = if self.failure.code == Code::ProxyPacUnreachable {
            ScriptRepair::Serve
        } else if self.failure.code == Code::ProxyPacTimeout {
            ScriptRepair::Hasten
        } else {
            ScriptRepair::Repair
        };
        Cause::new(Reason::ProxyPac, Who::Proxy, Fix::RepairScript { url, how })
            .with_confidence(Confidence::High)
            .with_evidence(self.failure.detail.clone())
    }
}
