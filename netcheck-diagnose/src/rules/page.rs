//! Causes of an HTTP answer that is not the service's: portals, block pages, filters.

use std::net::SocketAddr;

use crate::Diagnosis;
use crate::Observed;
use crate::hello::CONTROL_NAME;
use crate::{Finding, fix};
use netcheck_net::clock;
use netcheck_net::http::{Answer, Request};
use netcheck_net::signature::{self, Page};
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::failure::{Code, Failure};
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
    let to = observed.seen.peer.filter(|_| observed.seen.proxy.is_none() && net.diagnoses());
    match failure.code {
        Code::HttpRedirectForeign => Some(redirected(target, observed, to, failure, net).await),
        Code::HttpStatus => Some(status(target, observed, failure, net)),
        Code::HttpProxyAuth => {
            let fix = Fix::exempt(target, Filter::ProxyAuthentication);
            let cause = Cause::new(Reason::ProxyAuth, Who::Network, fix).sure(Confidence::Medium);
            Some(Finding::of(cause.seen(failure.detail.clone()).seen("no proxy is configured here")))
        }
        _ => {
            let to = to?;
            if let Some(found) = crate::stands_in(target, to, failure, net).await {
                return Some(found);
            }
            Some(cut(target, to, failure, net).await)
        }
    }
}

/// A redirect to another site: a portal sends everyone there, a short link only those who asked for it.
async fn redirected(
    target: &Target,
    observed: &Observed,
    to: Option<SocketAddr>,
    failure: &Failure,
    net: &Diagnosis,
) -> Finding {
    let answer = observed.seen.answer.clone().unwrap_or_default();
    let place = answer.header("location").map(site).unwrap_or_default();
    let portal = Cause::new(Reason::CaptivePortal, Who::Network, Fix::LogIn { url: None })
        .seen(failure.detail.clone());
    if let Some(page) = signature::match_page(&answer) {
        return Finding::of(
            portal.sure(Confidence::Medium).seen(format!("a page of {} ({})", page.vendor, page.mark)),
        );
    }
    let control = match to {
        Some(to) => ask(net, to, CONTROL_NAME).await,
        None => None,
    };
    let same = control.as_ref().and_then(|control| control.header("location")).map(site);
    match (control, same) {
        (Some(_), Some(same)) if same == place => {
            let seen =
                format!("asked for {CONTROL_NAME} at the same address, it redirects to the same place");
            Finding::of(portal.sure(Confidence::High).seen(seen))
        }
        _ => {
            let fix =
                format!("No change needed: {} redirects to {place}, as short links do.", target.authority());
            Finding::with(Verdict::Pass, Cause::new(Reason::Unknown, Who::Service, fix))
        }
    }
}

fn site(location: &str) -> String {
    let rest = location.split_once("://").map_or(location, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase()
}

async fn ask(net: &Diagnosis, to: SocketAddr, name: &str) -> Option<Answer> {
    let aside = net.aside();
    let work = async {
        let stream = aside.connect(&[to.ip()], to.port()).await.ok()?;
        let request = Request::get(&Host::Name(name.to_owned()), to.port(), false, "/");
        aside.request(stream, &request).await.ok()
    };
    clock::within(net.timeout().mul_f64(0.4).min(net.left()), work).await?
}

fn status(target: &Target, observed: &Observed, failure: &Failure, net: &Diagnosis) -> Finding {
    let answer = observed.seen.answer.clone().unwrap_or_default();
    if let Some(page) = signature::match_page(&answer) {
        let (reason, fix) = match page.page {
            Page::Block => (Reason::BlockPage, fix::web_filter(target)),
            Page::Portal => (Reason::CaptivePortal, Fix::LogIn { url: None }),
        };
        let mut cause = Cause::new(reason, Who::Network, fix)
            .sure(Confidence::Medium)
            .seen(failure.detail.clone())
            .seen(format!("the page is one of {}: {}", page.vendor, page.mark));
        if let Some((vendor, address)) = net.block_address(&observed.seen.addresses) {
            cause = Cause { code: Reason::DnsHijack, who: Who::Dns, ..cause }.with_fix(fix::resolve(target));
            cause = cause.seen(format!("{address} is an address of {vendor}'s block pages"));
        }
        return Finding::of(cause);
    }
    if answer.status >= 500 {
        let fix = fix::service(target, &format!("it answers {}", answer.status));
        return Finding::of(Cause::new(Reason::ServiceDown, Who::Service, fix).seen(failure.detail.clone()));
    }
    let cause = Cause::new(Reason::Unknown, Who::Unknown, fix::allow(target));
    Finding::of(cause.seen(failure.detail.clone()))
}

/// The request was cut or fell silent: does it pass under another name?
async fn cut(target: &Target, to: SocketAddr, failure: &Failure, net: &Diagnosis) -> Finding {
    let cause =
        Cause::new(Reason::Unknown, Who::Unknown, fix::protocol_filter(target)).seen(failure.detail.clone());
    if target.scheme.name != "http" {
        return Finding::of(cause);
    }
    match ask(net, to, CONTROL_NAME).await {
        Some(_) => Finding::of(
            Cause { code: Reason::ProtocolFilter, who: Who::Network, ..cause }
                .sure(Confidence::Medium)
                .seen(format!("the same request for {CONTROL_NAME} at the same address is answered")),
        ),
        None => Finding::of(cause),
    }
}
