//! Causes of a TLS handshake that failed: a filter by name, interception, a stand-in, the clock, or the service itself.

use std::net::SocketAddr;
use std::sync::PoisonError;

use crate::cause::{Cause, Confidence, Reason, Who};
use crate::clock;
use crate::device;
use crate::diagnose::hello::{CONTROL_NAME, Outcome};
use crate::diagnose::trail::Answer;
use crate::diagnose::{Finding, fix, walk};
use crate::failure::{Code, Failure};
use crate::http::{Answer as Page, Request};
use crate::net::Net;
use crate::signature;
use crate::target::{Host, Target};
use crate::tls::{Chain, Hello};
use crate::trace::Observed;

/// A clock that is off by less explains no certificate.
const SKEW: i64 = 24 * 3600;

/// Why the handshake failed.
pub(in crate::diagnose) async fn explain(
    target: &Target,
    observed: &Observed,
    failure: &Failure,
    net: &Net,
) -> Option<Finding> {
    let to = observed.seen.peer.filter(|_| observed.seen.proxy.is_none());
    match failure.code {
        Code::TlsReset | Code::TlsTimeout | Code::TlsClosed | Code::TlsAlert => {
            let to = to.filter(|_| net.diagnoses())?;
            cut(target, observed, to, failure, net).await
        }
        Code::TlsNotTls => Some(plaintext(target, observed, to, failure, net).await),
        Code::TlsUntrusted => Some(untrusted(target, observed, to, failure, net).await),
        Code::TlsExpired | Code::TlsNotYetValid => {
            Some(out_of_time(target, observed, to, failure, net).await)
        }
        Code::TlsNameMismatch => Some(misnamed(target, observed, failure)),
        Code::TlsVersion | Code::TlsAlpn => {
            let fix = fix::service(target, "its TLS is not what its clients need");
            let cause =
                Cause::new(Reason::ServiceMisconfigured, Who::Service, fix).seen(failure.detail.clone());
            Some(Finding::of(cause))
        }
        _ => None,
    }
}

/// Cut or silent: does another name pass on the same address and port?
async fn cut(
    target: &Target,
    observed: &Observed,
    to: SocketAddr,
    failure: &Failure,
    net: &Net,
) -> Option<Finding> {
    let aside = net.aside();
    let (control, walk, stand_in) = tokio::join!(
        net.hello(to, CONTROL_NAME),
        async {
            if failure.code == Code::TlsAlert {
                walk::Walk::default()
            } else {
                net.hello_walk(to, &target.host).await
            }
        },
        stands_in(target, to, failure, net)
    );
    if let Outcome::Spoke(_) = control
        && target.host.name().is_some()
        && failure.code != Code::TlsAlert
    {
        if let Some(finding) = cut_on_this_machine(target, to, failure, net, walk).await {
            return Some(finding);
        }
        let near = walk.culprit(&aside, to).await;
        // A balancer without a server for this name closes as well, and knows the control name no better.
        let sure = if failure.code == Code::TlsClosed { Confidence::Medium } else { Confidence::High };
        let mut cause = Cause::new(Reason::SniFilter, Who::Network, fix::name_filter(target))
            .near(near)
            .sure(sure)
            .seen(format!("{}: {}", target.host, failure.detail))
            .seen(format!("same address and port, control name {CONTROL_NAME}: TLS was spoken"));
        if let Some(near) = near {
            cause = cause.seen(format!("the ClientHello gets as far as {near} and no farther"));
        }
        return Some(Finding::of(cause));
    }
    if stand_in.is_some() {
        return stand_in;
    }
    if failure.code == Code::TlsAlert {
        let fix = fix::service(target, "its TLS refuses a current client");
        return Some(Finding::of(
            Cause::new(Reason::Unknown, Who::Unknown, fix).seen(failure.detail.clone()),
        ));
    }
    nameless(target, observed, to, failure, net, walk).await
}

/// A ClientHello that may not travel farther than the first hop was cut: it never left this machine.
async fn cut_on_this_machine(
    target: &Target,
    to: SocketAddr,
    failure: &Failure,
    net: &Net,
    walk: walk::Walk,
) -> Option<Finding> {
    let hop = match walk.cut_at {
        Some(1) => net.router(to.ip(), 1).await.filter(|hop| *hop != to.ip())?,
        _ => return None,
    };
    let fix = format!("On this machine: {}", fix::name_filter(target));
    let cause = Cause::new(Reason::LocalFirewall, Who::Local, fix)
        .sure(Confidence::Medium)
        .seen(failure.detail.clone())
        .seen("a ClientHello that should die at the first hop was cut")
        .seen(format!("other packets of that kind draw \"time exceeded\" from {hop}"));
    Some(Finding::of(cause))
}

/// Every name fails. Does a ClientHello without any pass? A list of allowed names cuts the control name too.
async fn nameless(
    target: &Target,
    observed: &Observed,
    to: SocketAddr,
    failure: &Failure,
    net: &Net,
    walk: walk::Walk,
) -> Option<Finding> {
    let near = walk.culprit(&net.aside(), to).await;
    let farther =
        net.trail(to).await.answered.is_some_and(|(ttl, _)| walk.died_at.is_some_and(|died| died + 1 < ttl));
    let siblings = neighbour(target, observed, to, net).await;
    if let Some(name) = siblings {
        let cause = Cause::new(Reason::SniFilter, Who::Network, fix::name_filter(target))
            .near(near)
            .sure(Confidence::Medium)
            .seen(format!("{}: {}", target.host, failure.detail))
            .seen(format!("same address and port, the name {name}: TLS was spoken"));
        return Some(Finding::of(cause));
    }
    if farther {
        let cause = Cause::new(Reason::ProtocolFilter, Who::Network, fix::protocol_filter(target))
            .near(near)
            .sure(Confidence::Medium)
            .seen(failure.detail.clone())
            .seen("the port opens, and the ClientHello does not get as far as the port's answer comes from");
        return Some(Finding::of(cause));
    }
    let cause = Cause::new(Reason::Unknown, Who::Unknown, fix::protocol_filter(target));
    Some(Finding::of(
        cause.seen(failure.detail.clone()).seen("a control name fails on the same address and port as well"),
    ))
}

/// Another name of the same zone, where the filter knows names: the zone itself, or its www.
async fn neighbour(target: &Target, _: &Observed, to: SocketAddr, net: &Net) -> Option<String> {
    let (_, zone) = target.host.name()?.split_once('.').filter(|(_, zone)| zone.contains('.'))?;
    for name in [format!("www.{zone}"), zone.to_owned()] {
        if Some(name.as_str()) != target.host.name()
            && let Outcome::Spoke(_) = net.hello(to, &name).await
        {
            return Some(name);
        }
    }
    None
}

/// Does a device on the way accept connections in the service's place? A router that passes a datagram on at
/// the very distance from which TCP answers is no service.
pub async fn stands_in(target: &Target, to: SocketAddr, failure: &Failure, net: &Net) -> Option<Finding> {
    if !net.diagnoses() || device::is_ours(to.ip()) {
        return None;
    }
    let (ttl, answer) = net.trail(to).await.answered?;
    if answer != Answer::Open {
        return None;
    }
    let router = net.router(to.ip(), ttl).await.filter(|router| *router != to.ip())?;
    let cause = Cause::new(Reason::TransparentProxy, Who::Network, fix::bypass(target))
        .near(Some(router))
        .sure(Confidence::High)
        .seen(failure.detail.clone())
        .seen(format!(
            "the connection was accepted {ttl} hops from here, where {router} passes other packets on"
        ));
    Some(Finding::of(cause))
}

/// Something other than TLS came back.
async fn plaintext(
    target: &Target,
    observed: &Observed,
    to: Option<SocketAddr>,
    failure: &Failure,
    net: &Net,
) -> Finding {
    let page = match to.filter(|_| net.diagnoses()) {
        Some(to)
            if observed.seen.first_bytes.starts_with(b"HTTP/")
                || observed.seen.first_bytes.starts_with(b"<") =>
        {
            fetch(net, target, to).await
        }
        _ => None,
    };
    let bare = Page { status: 200, body: observed.seen.first_bytes.clone(), ..Page::default() };
    let found = page.as_ref().and_then(signature::match_page).or_else(|| signature::match_page(&bare));
    if let Some(found) = found {
        let cause = Cause::new(Reason::BlockPage, Who::Network, fix::allow(target))
            .sure(Confidence::Medium)
            .seen(failure.detail.clone())
            .seen(format!("the page is one of {} ({})", found.vendor, found.mark));
        return Finding::of(cause);
    }
    if let Some(to) = to
        && let Some(finding) = stands_in(target, to, failure, net).await
    {
        return finding;
    }
    let fix = fix::service(target, "it answers TLS with something else");
    let cause = Cause::new(Reason::ServiceMisconfigured, Who::Service, fix);
    Finding::of(cause.seen(failure.detail.clone()).seen("no sign of a device on the way"))
}

/// Asks in plain HTTP on the same port for what it has to say.
async fn fetch(net: &Net, target: &Target, to: SocketAddr) -> Option<Page> {
    let aside = net.aside();
    let work = async {
        let stream = aside.connect(&[to.ip()], to.port()).await.ok()?;
        let request = Request::get(&target.host, to.port(), false, "/");
        aside.request(stream, &request).await.ok()
    };
    clock::within(net.timeout().mul_f64(0.4), work).await?
}

/// Signed by nobody known: by an interceptor, by the service itself, or by a stranger at a wrong address?
async fn untrusted(
    target: &Target,
    observed: &Observed,
    to: Option<SocketAddr>,
    failure: &Failure,
    net: &Net,
) -> Finding {
    let Some(chain) = &observed.seen.chain else {
        let cause =
            Cause::new(Reason::Unknown, Who::Unknown, fix::service(target, "its certificate cannot be used"));
        return Finding::of(cause.seen(failure.detail.clone()));
    };
    if let Some((vendor, address)) = net.block_address(&observed.seen.addresses) {
        let cause = Cause::new(Reason::DnsHijack, Who::Dns, fix::resolve(target))
            .sure(Confidence::Medium)
            .seen(failure.detail.clone())
            .seen(format!("{address} is an address of {vendor}'s block pages, not of the service"));
        return Finding::of(cause);
    }
    let mut cause =
        Cause::new(Reason::TlsInspection, Who::Network, fix::inspection(target)).seen(failure.detail.clone());
    let others = same_issuer(net, chain, target);
    if let Some(vendor) = chain.vendor() {
        cause = cause.sure(Confidence::Medium).seen(format!("the issuer is that of {vendor}"));
    }
    if let Some(to) = to.filter(|_| net.diagnoses())
        && let Outcome::Spoke(Some(control)) = net.hello(to, CONTROL_NAME).await
        && control.issuer() == chain.issuer()
        // A default certificate that names the control is the same one again.
        && control.certificates.first() != chain.certificates.first()
        && minted_for(&control, CONTROL_NAME)
    {
        cause = cause.sure(Confidence::High).seen(format!(
            "asked for {CONTROL_NAME} at the same address, {} signs a certificate for that too",
            chain.issuer()
        ));
        if let Some(Finding { cause: stand_in, .. }) = stands_in(target, to, failure, net).await {
            cause = cause.near(stand_in.near);
        }
    } else if let Some(other) = &others {
        cause = cause
            .sure(Confidence::Medium)
            .seen(format!("the same issuer signs for {other}, another service"));
    }
    if cause.evidence.len() > 1 {
        return Finding::of(cause);
    }
    if chain.issuer() == chain.subject() || chain.certificates.len() == 1 {
        let fix = fix::service(target, "its certificate is signed by nobody the public trusts");
        let cause = Cause::new(Reason::ServiceMisconfigured, Who::Service, fix);
        return Finding::of(
            cause
                .seen(failure.detail.clone())
                .seen("no sign of interception: another name gets no certificate of its own"),
        );
    }
    let cause = Cause::new(Reason::Unknown, Who::Unknown, fix::inspection(target));
    Finding::of(
        cause
            .seen(failure.detail.clone())
            .seen("no sign tells interception from the service's own certificate"),
    )
}

fn minted_for(chain: &Chain, name: &str) -> bool {
    chain.names().iter().any(|known| known == name || known.strip_prefix("*.") == Some(name))
}

/// Remembers who signs for whom; an issuer of two unrelated sites is no service's own.
fn same_issuer(net: &Net, chain: &Chain, target: &Target) -> Option<String> {
    // Whoever signs for himself signs for nobody else: factory certificates share their names.
    if chain.issuer() == chain.subject() {
        return None;
    }
    let site = |name: &str| {
        let labels: Vec<&str> = name.rsplit('.').take(2).collect();
        labels.into_iter().rev().collect::<Vec<_>>().join(".")
    };
    let own = site(target.host.name()?);
    let mut issuers = net.shared.experiments.issuers.lock().unwrap_or_else(PoisonError::into_inner);
    if issuers.len() > 1000 {
        issuers.clear();
    }
    let sites = issuers.entry(chain.issuer().to_owned()).or_default();
    let other = sites.iter().find(|known| **known != own).cloned();
    if !sites.contains(&own) && sites.len() < 16 {
        sites.push(own);
    }
    other
}

/// Out of validity: is it the certificate, or our clock?
async fn out_of_time(
    target: &Target,
    observed: &Observed,
    to: Option<SocketAddr>,
    failure: &Failure,
    net: &Net,
) -> Finding {
    let witness = match to.filter(|_| net.diagnoses()) {
        Some(to) => net.shared.experiments.dates.get(to.ip(), date(net, target, to)).await,
        None => None,
    };
    let now = clock::unix();
    let valid = |time: i64| {
        observed.seen.chain.as_ref().is_some_and(|c| c.not_before() <= time && time <= c.not_after())
    };
    let fix = fix::service(target, "its certificate is out of its validity");
    let service = Cause::new(Reason::ServiceMisconfigured, Who::Service, fix).seen(failure.detail.clone());
    Finding::of(match witness {
        Some(time) if (time - now).abs() > SKEW && valid(time) => {
            let fix = "Set this machine's clock right (NTP): certificates look invalid because of it.";
            Cause::new(Reason::ClockSkew, Who::Local, fix)
                .sure(Confidence::High)
                .seen(failure.detail.clone())
                .seen(format!("the host's own Date is {}; this machine says {}", shown(time), shown(now)))
                .seen("at that date the certificate is valid")
        }
        Some(time) if (time - now).abs() <= SKEW => {
            service.sure(Confidence::High).seen("the host's own Date agrees with this machine's clock")
        }
        _ => service.seen("no outside witness of the time was found"),
    })
}

fn shown(unix: i64) -> String {
    crate::tls::certificate::date(unix)
}

/// The `Date` the host gives, over the same TLS whatever its certificate, on this port, else on 443 and 80.
async fn date(net: &Net, target: &Target, to: SocketAddr) -> Option<i64> {
    let aside = net.aside();
    let ask = |port: u16, secure: bool| {
        let aside = aside.clone();
        async move {
            let mut stream = aside.connect(&[to.ip()], port).await.ok()?;
            if secure {
                let hello = Hello { opportunistic: true, ..Hello::to(&target.host) };
                stream = aside.handshake(stream, &hello).await.ok()?.stream;
            }
            let request = Request::new("HEAD", &target.host, port, secure, "/");
            let answer = aside.request(stream, &request).await.ok()?;
            let date = jiff::fmt::rfc2822::parse(answer.header("date")?).ok()?;
            Some(date.timestamp().as_second())
        }
    };
    let work = async {
        if matches!(target.scheme.name, "https" | "wss")
            && let Some(date) = ask(to.port(), true).await
        {
            return Some(date);
        }
        let (secure, plain) = tokio::join!(ask(443, true), ask(80, false));
        secure.or(plain)
    };
    clock::within(net.timeout().mul_f64(0.6).min(net.left()), work).await?
}

/// A certificate of trust, for somebody else.
fn misnamed(target: &Target, observed: &Observed, failure: &Failure) -> Finding {
    let fix = match &target.host {
        Host::Name(_) => fix::service(target, "its certificate is for other names"),
        Host::Address(_) => "Check this service by its name: certificates are for names.".to_owned(),
    };
    let mut cause = Cause::new(Reason::ServiceMisconfigured, Who::Service, fix).seen(failure.detail.clone());
    if let Some(chain) = &observed.seen.chain {
        cause = cause.seen(format!("the certificate is genuine, signed by {}", chain.issuer()));
    }
    Finding::of(cause)
}
