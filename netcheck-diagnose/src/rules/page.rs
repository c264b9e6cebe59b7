//! Causes of an HTTP answer that is not the service's: portals, block pages, filters.

use std::net::SocketAddr;

use crate::Diagnosis;
use crate::Observed;
use crate::elsewhere;
use crate::hello::CONTROL_NAME;
use crate::interception::Interceptor;
use crate::patience::Question;
use crate::{Finding, fix};
use netcheck_net::clock;
use netcheck_net::dns::scope;
use netcheck_net::http::{Answer, Request};
use netcheck_net::signature::{self, Page};
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::code_kind::CodeKind;
use netcheck_record::failure::Failure;
use netcheck_record::fix::{Filter, Fix};
use netcheck_record::record::Verdict;
use netcheck_record::target::{Host, Target};

/// Why the answer is not the service's.
pub(crate) async fn explain(
    target: &Target,
    observed: &Observed,
    failure: &Failure,
    net: &Diagnosis,
) -> Option<Finding> {
    let to = observed.path.peer.filter(|_| observed.path.proxy.is_none() && net.diagnoses());
    match failure.code.kind() {
        CodeKind::Foreign => Some(redirected(target, observed, to, failure, net).await),
        CodeKind::Rejected => Some(status(target, observed, failure, net)),
        CodeKind::Authentication => {
            let fix = Fix::exempt(target, Filter::ProxyAuthentication);
            let cause = Cause::new(Reason::ProxyAuth, Who::Network, fix).with_confidence(Confidence::Medium);
            Some(Finding::of(
                cause.with_evidence(failure.detail.clone()).with_evidence("no proxy is configured here"),
            ))
        }
        CodeKind::Timeout | CodeKind::Reset | CodeKind::Closed | CodeKind::Malformed => {
            let to = to?;
            if let Some(found) = crate::intercepted_by(target, to, failure, net).await {
                return Some(found);
            }
            Some(cut(target, to, failure, net).await)
        }
        CodeKind::Refused
        | CodeKind::Unreachable
        | CodeKind::Prohibited
        | CodeKind::NotSent
        | CodeKind::Name
        | CodeKind::Certificate
        | CodeKind::Parameters
        | CodeKind::Quality
        | CodeKind::Mail
        | CodeKind::NotProbed => None,
    }
}

/// A redirect to another site: a portal sends everyone there, whatever address was called; a server sends only those
/// who called it.
async fn redirected(
    target: &Target,
    observed: &Observed,
    to: Option<SocketAddr>,
    failure: &Failure,
    net: &Diagnosis,
) -> Finding {
    let answer = observed.path.answer.clone().unwrap_or_default();
    if let Some(page) = signature::match_page(&answer) {
        return Finding::of(known(target, failure, &page));
    }
    // Short links work like this on healthy networks: one SYN is enough, unless something looks like a portal.
    let portal = match to {
        Some(to) if looks_like_a_portal(target, &answer) || net.accepts_short(to).await => {
            portal(to, &answer, net).await
        }
        _ => None,
    };
    if let Some(portal) = portal {
        return Finding::of(with_detail(portal, failure));
    }
    let place = answer.destination().unwrap_or_default();
    let fix = format!("No change needed: {} redirects to {place}, as short links do.", target.authority());
    Finding::with(Verdict::Pass, Cause::new(Reason::Unknown, Who::Service, fix))
}

/// Portals live at addresses and local names, and take along where one wanted to go.
fn looks_like_a_portal(target: &Target, answer: &Answer) -> bool {
    let location = answer.header("location").unwrap_or_default();
    let site = site(location);
    let host = site.rsplit_once(':').map_or(site.as_str(), |(host, _)| host);
    let is_address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    let carried = location.split_once('?').is_some_and(|(_, query)| query.contains(&target.host.to_string()));
    is_address || carried || !scope::is_public_name(host)
}

/// Whether this answer to a plain request is a portal's: it comes from nearer than the service, and another address
/// gives the same, as far as one can be asked.
pub(super) async fn portal(to: SocketAddr, answer: &Answer, net: &Diagnosis) -> Option<Cause> {
    let (elsewhere, interceptor) = tokio::join!(elsewhere::page(net, to), net.interceptor(to));
    let same = |other: &Answer| is_same(answer, other);
    let router = match interceptor {
        Some(Interceptor::Device(_, router)) => Some(router),
        _ => None,
    };
    let cause = captive().at_hop(router);
    if elsewhere.is(same) {
        let seen = "another address gives the same answer, to packets that cannot get there";
        return Some(cause.with_confidence(Confidence::High).with_evidence(seen));
    }
    // A device that gives another address something else only passes the service's own answer on.
    let router = router.filter(|_| !elsewhere.differs(same))?;
    let seen = format!("the answer comes from nearer than the service: {router} passes other packets on");
    Some(cause.with_confidence(Confidence::Medium).with_evidence(seen))
}

/// The cause of what a portal answers.
pub(super) fn captive() -> Cause {
    Cause::new(Reason::CaptivePortal, Who::Network, Fix::LogIn { url: None })
}

/// The same redirect, whatever it carries besides, or the same page.
fn is_same(one: &Answer, other: &Answer) -> bool {
    match (one.header("location").map(site), other.header("location").map(site)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.status == other.status && one.body == other.body && !one.body.is_empty(),
        _ => false,
    }
}

/// A portal that redirects plain requests to another site on port 80 of this address.
pub(super) async fn portal_beside(target: &Target, to: SocketAddr, net: &Diagnosis) -> Option<Cause> {
    let web = SocketAddr::new(to.ip(), 80);
    let answer = ask(net, web, target.host.name()?).await?;
    if let Some(page) = signature::match_page(&answer).filter(|page| page.page == Page::Portal) {
        let seen =
            format!("TCP 80 of the same address answers with a page of {} ({})", page.vendor, page.mark);
        return Some(captive().with_confidence(Confidence::Medium).with_evidence(seen));
    }
    let place = answer.destination().filter(|_| (300..400).contains(&answer.status))?;
    let portal = portal(web, &answer, net).await?;
    Some(portal.with_evidence(format!("TCP 80 of the same address redirects to {place}")))
}

fn with_detail(mut cause: Cause, failure: &Failure) -> Cause {
    cause.evidence.insert(0, netcheck_record::escape::line(&failure.detail, 400));
    cause
}

/// The cause where a page is a known product's.
pub(super) fn known(target: &Target, failure: &Failure, page: &signature::Match) -> Cause {
    let (reason, fix) = match page.page {
        Page::Block => (Reason::BlockPage, fix::web_filter(target)),
        Page::Portal => (Reason::CaptivePortal, Fix::LogIn { url: None }),
    };
    Cause::new(reason, Who::Network, fix)
        .with_confidence(Confidence::Medium)
        .with_evidence(failure.detail.clone())
        .with_evidence(format!("the page is one of {}: {}", page.vendor, page.mark))
}

fn site(location: &str) -> String {
    let rest = location.split_once("://").map_or(location, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.to_ascii_lowercase()
}

async fn ask(net: &Diagnosis, to: SocketAddr, name: &str) -> Option<Answer> {
    let detached = net.detached();
    let work = async {
        let stream = detached.connect(&[to.ip()], to.port()).await.ok()?;
        let request = Request::get(&Host::Name(name.to_owned()), to.port(), false, "/");
        detached.request(stream, &request).await.ok()
    };
    clock::within(Question::Exchange.patience(net), work).await?
}

fn status(target: &Target, observed: &Observed, failure: &Failure, net: &Diagnosis) -> Finding {
    let answer = observed.path.answer.clone().unwrap_or_default();
    if let Some((vendor, address)) = net.block_address(&observed.path.addresses) {
        let cause = Cause::new(Reason::DnsHijack, Who::Dns, fix::resolve(target))
            .with_confidence(Confidence::Medium)
            .with_evidence(failure.detail.clone())
            .with_evidence(format!("{address} is an address of {vendor}'s block pages"));
        return Finding::of(cause);
    }
    if let Some(page) = signature::match_page(&answer) {
        return Finding::of(known(target, failure, &page));
    }
    if answer.status == 511 {
        // RFC 6585 section 6: only portals answer so.
        let cause = captive().with_confidence(Confidence::Medium);
        return Finding::of(cause.with_evidence(failure.detail.clone()));
    }
    if answer.status >= 500 {
        let fix = fix::service(target, &format!("it answers {}", answer.status));
        return Finding::of(
            Cause::new(Reason::ServiceDown, Who::Service, fix).with_evidence(failure.detail.clone()),
        );
    }
    let cause = Cause::new(Reason::Unknown, Who::Unknown, fix::allow(target));
    Finding::of(cause.with_evidence(failure.detail.clone()))
}

/// The request was cut or fell silent: does it pass under another name?
async fn cut(target: &Target, to: SocketAddr, failure: &Failure, net: &Diagnosis) -> Finding {
    let cause = Cause::new(Reason::Unknown, Who::Unknown, fix::protocol_filter(target))
        .with_evidence(failure.detail.clone());
    if target.scheme.name != "http" {
        return Finding::of(cause);
    }
    match ask(net, to, CONTROL_NAME).await {
        Some(_) => Finding::of(
            Cause { code: Reason::ProtocolFilter, who: Who::Network, ..cause }
                .with_confidence(Confidence::Medium)
                .with_evidence(format!(
                    "the same request for {CONTROL_NAME} at the same address is answered"
                )),
        ),
        None => Finding::of(cause),
    }
}
