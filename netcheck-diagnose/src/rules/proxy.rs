//! Causes of a way through a proxy that was not given: whose they are, and what to change.

use crate::Observed;
use crate::{Finding, fix};
use netcheck_net::proxy::ProxyObservations;
use netcheck_net::proxy::observed::{AuthFault, AuthObservation};
use netcheck_net::signature;
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::failure::{Code, Failure};
use netcheck_record::record::Verdict;
use netcheck_record::target::Target;

/// How far two clocks may be apart before Kerberos refuses (RFC 4120 section 1.2), in seconds.
const SKEW: i64 = 300;

/// The proxy's own words, turned into whom to ask for what.
pub(crate) fn explain(target: &Target, observed: &Observed, failure: &Failure) -> Finding {
    let way = Way {
        proxy: observed.seen.proxy.clone().unwrap_or_default(),
        what: fix::what(target),
        via: &observed.seen.via,
        failure,
    };
    if matches!(failure.code, Code::ProxyPacUnreachable | Code::ProxyPacInvalid | Code::ProxyPacTimeout) {
        return Finding::with(Verdict::Degraded, way.script());
    }
    let cause = way.cause().seen(failure.detail.clone());
    let page = observed.seen.answer.as_ref().and_then(signature::match_page);
    Finding::of(match page {
        Some(page) => cause.seen(format!("its page is one of {} ({})", page.vendor, page.mark)),
        None => cause,
    })
}

/// Adds to a cause that the proxy script was of no use: a browser goes direct then, and so did the check.
#[must_use]
pub fn with_script_fault(cause: Cause, via: &ProxyObservations) -> Cause {
    match &via.script {
        Some(fault) => cause.seen(format!(
            "the PAC file {} is of no use ({}), so a browser goes direct, as this check did",
            fault.url, fault.why
        )),
        None => cause,
    }
}

struct Way<'a> {
    proxy: String,
    what: String,
    via: &'a ProxyObservations,
    failure: &'a Failure,
}

impl Way<'_> {
    fn cause(&self) -> Cause {
        let (proxy, what) = (&self.proxy, &self.what);
        match self.failure.code {
            Code::ProxyAuthRequired => self.required(),
            Code::ProxyAuthImpossible => self.impossible(),
            Code::ProxyAuthRefused => self.refused(),
            Code::ProxyDenied => {
                Cause::new(Reason::ProxyPolicy, Who::Proxy, format!("Allow {what} on the proxy {proxy} (CONNECT)."))
                    .sure(Confidence::Medium)
            }
            Code::ProxyUpstream => self.upstream().sure(Confidence::Medium),
            Code::ProxyProtocol => {
                Cause::new(Reason::ProxyDown, Who::Proxy, format!("Check that {proxy} is a proxy of that kind."))
                    .sure(Confidence::Low)
            }
            _ if self.failure.beneath.is_some_and(|code| code.layer() == "tls") => Cause::new(
                Reason::ProxyDown,
                Who::Proxy,
                format!("Give the proxy {proxy} a certificate for its name that this machine trusts: {what} goes through it."),
            )
            .sure(Confidence::Medium),
            _ => Cause::new(
                Reason::ProxyDown,
                Who::Proxy,
                format!("Start the proxy {proxy}, or correct its address in this machine's settings."),
            )
            .sure(Confidence::Medium),
        }
    }

    /// The proxy works, and cannot reach the destination.
    fn upstream(&self) -> Cause {
        let fix = format!(
            "Let the proxy {} itself reach {}: check its own firewall, its resolver and its upstream proxy.",
            self.proxy, self.what
        );
        let cause = Cause::new(Reason::ProxyUpstream, Who::Proxy, fix).sure(Confidence::Medium);
        match self.via.control {
            Some(status) => cause.seen(format!(
                "meanwhile the same proxy answered another CONNECT, for a name that does not exist, with {status}"
            )),
            None => cause,
        }
    }

    /// The proxy asks, and nothing was sent.
    fn required(&self) -> Cause {
        let (proxy, what, offered) = (&self.proxy, &self.what, &self.via.offered);
        let speaks = |scheme: &String| ["basic", "negotiate"].contains(&scheme.to_ascii_lowercase().as_str());
        if !offered.is_empty() && !offered.iter().any(speaks) {
            let fix = format!(
                "Offer Negotiate (Kerberos) or Basic on the proxy {proxy} beside {}, or exempt {what} from authentication.",
                offered.join(", ")
            );
            return Cause::new(Reason::ProxyScheme, Who::Proxy, fix)
                .sure(Confidence::Medium)
                .seen(format!("it offers only {}, which this tool does not speak", offered.join(", ")));
        }
        let fix = format!(
            "Give netcheck (and the platform's clients) credentials for {proxy}, or exempt {what} from authentication."
        );
        let cause = Cause::new(Reason::ProxyAuth, Who::Proxy, fix).sure(Confidence::Medium);
        let spoken: Vec<&str> = offered.iter().filter(|scheme| speaks(scheme)).map(String::as_str).collect();
        if offered.is_empty() {
            return cause;
        }
        cause.seen(format!(
            "it offers {}; this tool speaks {} of these",
            offered.join(", "),
            spoken.join(" and ")
        ))
    }

    /// The proxy asks, and no credentials could be made.
    fn impossible(&self) -> Cause {
        let (proxy, what) = (&self.proxy, &self.what);
        let Some(AuthObservation { fault: Some(fault), .. }) = &self.via.auth else { return self.required() };
        let local = |reason, fix: String| Cause::new(reason, Who::Local, fix);
        match fault {
            AuthFault::Ticket(_) => local(
                Reason::ProxyTicket,
                format!("Log on again (kinit, or lock and unlock the desktop): the proxy {proxy} asks for a valid Kerberos ticket."),
            )
            .sure(Confidence::High),
            AuthFault::Spn { spn, .. } => Cause::new(
                Reason::ProxySpn,
                Who::Proxy,
                format!("Register the service principal {spn} for the proxy {proxy}, or give clients the name under which it is registered."),
            )
            .sure(Confidence::High),
            AuthFault::Clock { skew, .. } => {
                let way = if *skew < 0 { "behind" } else { "ahead" };
                local(
                    Reason::ClockSkew,
                    format!("Set this machine's clock (NTP): it is {} s {way}, and Kerberos allows {SKEW} s.", skew.unsigned_abs()),
                )
                .sure(Confidence::High)
            }
            AuthFault::Kdc(_) => Cause::new(
                Reason::KdcUnreachable,
                Who::Network,
                format!("Allow TCP 88 (Kerberos) from this machine to the domain controllers: the proxy {proxy} asks for a Kerberos ticket."),
            )
            .sure(Confidence::Medium),
            AuthFault::Login(_) => local(
                Reason::ProxyAuth,
                format!("Correct the user or password given for the proxy {proxy}: the directory refuses them."),
            )
            .sure(Confidence::High),
            AuthFault::ClearScript => local(
                Reason::ProxyAuth,
                format!("Serve the PAC file over HTTPS, or permit the password for this proxy with --proxy-auth-to: {what} goes through {proxy}."),
            )
            .sure(Confidence::High),
            AuthFault::NotBuilt => local(
                Reason::ProxyAuth,
                format!("Use a build of this tool with Kerberos, or exempt {what} from authentication on {proxy}."),
            )
            .sure(Confidence::Medium),
        }
    }

    /// Something was sent, and the proxy asks again.
    fn refused(&self) -> Cause {
        let (proxy, what) = (&self.proxy, &self.what);
        let Some(ticket) = self.via.ticket.as_ref().filter(|_| self.via.sent == Some("Negotiate")) else {
            let fix = format!(
                "Correct the user and password given for the proxy {proxy}, or permit that user {what}."
            );
            return Cause::new(Reason::ProxyAuth, Who::Local, fix).sure(Confidence::Medium);
        };
        if let Some(skew) = self.proxy_skew(ticket.offset).filter(|skew| skew.abs() > SKEW) {
            let way = if skew < 0 { "behind" } else { "ahead of" };
            let fix = format!(
                "Set the clock of the proxy {proxy} (NTP): it is {} s {way} the domain's, and Kerberos allows {SKEW} s.",
                skew.abs()
            );
            return Cause::new(Reason::ClockSkew, Who::Proxy, fix).sure(Confidence::Medium).seen(format!(
                "its own Date is {} s {way} the clock of the KDC that issued the ticket",
                skew.abs()
            ));
        }
        let kvno = ticket
            .kvno
            .map_or_else(|| "the current version".to_owned(), |kvno| format!("version {kvno} (kvno)"));
        let fix = format!(
            "Put the key of {}, {kvno}, into the keytab of the proxy {proxy}, and restart it.",
            ticket.spn
        );
        let cause = Cause::new(Reason::ProxyKeytab, Who::Proxy, fix)
            .sure(Confidence::Medium)
            .seen(format!("a fresh ticket for {}, issued with key {kvno}, was refused", ticket.spn));
        match self.via.proxy_error {
            Some((code, _)) => cause.seen(format!("the proxy's own Kerberos error is {code}")),
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
        let (url, why) = self
            .via
            .script
            .as_ref()
            .map(|fault| (fault.url.as_str(), fault.why.as_str()))
            .unwrap_or_default();
        let mend = match self.failure.code {
            Code::ProxyPacUnreachable => "Serve the PAC file at",
            Code::ProxyPacTimeout => "Make the PAC file answer within 2 s at",
            _ => "Repair the PAC file at",
        };
        let fix = format!(
            "{mend} {url}, or correct its address in this machine's settings: browsers ignore it and go direct."
        );
        Cause::new(Reason::ProxyPac, Who::Proxy, fix).sure(Confidence::High).seen(format!("{url}: {why}"))
    }
}
