//! Causes of a TLS handshake that failed: a filter by name, a stand-in, something that is no TLS.

use std::net::SocketAddr;

use crate::distance;
use crate::hello::{self, CONTROL_NAME, Outcome};
use crate::trail::Answer;
use crate::{Finding, fix, walk};
use netcheck_net::clock;
use netcheck_net::device;
use netcheck_net::http::{Answer as Page, Request};
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::failure::{Code, Failure};

use crate::Diagnosis;
use crate::Observed;
use netcheck_net::signature;
use netcheck_record::target::Target;

use super::{certificate, connection};

/// Why the handshake failed.
pub(crate) async fn explain(
    target: &Target,
    observed: &Observed,
    failure: &Failure,
    net: &Diagnosis,
) -> Option<Finding> {
    let to = observed.seen.peer.filter(|_| observed.seen.proxy.is_none());
    match failure.code {
        Code::TlsReset | Code::TlsTimeout | Code::TlsClosed | Code::TlsAlert => {
            let to = to.filter(|_| net.diagnoses())?;
            cut(target, to, failure, net).await
        }
        Code::TlsNotTls => Some(plaintext(target, observed, to, failure, net).await),
        Code::TlsUntrusted => Some(certificate::untrusted(target, observed, to, failure, net).await),
        Code::TlsExpired | Code::TlsNotYetValid => {
            Some(certificate::out_of_time(target, observed, to, failure, net).await)
        }
        Code::TlsNameMismatch => Some(certificate::misnamed(target, observed, failure)),
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
async fn cut(target: &Target, to: SocketAddr, failure: &Failure, net: &Diagnosis) -> Option<Finding> {
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
    if walk.answered_at.is_some() {
        return Some(now_and_then(target, failure));
    }
    if let Outcome::Spoke(_) = control
        && target.host.name().is_some()
        && failure.code != Code::TlsAlert
    {
        if let Some(finding) = cut_on_this_machine(target, to, failure, net, walk).await {
            return Some(finding);
        }
        return Some(cut_by_name(target, to, failure, net, walk).await);
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
    nameless(target, to, failure, net, walk).await
}

/// The same ClientHello passes at one time and not at another: packets are lost, or one of several servers is ill.
fn now_and_then(target: &Target, failure: &Failure) -> Finding {
    let fix = format!(
        "Check {} again: the same request passes at one time and not at another.",
        target.authority()
    );
    let cause = Cause::new(Reason::Unknown, Who::Unknown, fix).seen(failure.detail.clone());
    Finding::of(cause.seen("the same ClientHello was answered when it was sent again"))
}

/// The name fails where another passes: by a filter, or by a balancer of the service's own that has nobody for it. Only
/// what happens to the ClientHello before it can have reached the service tells them apart.
async fn cut_by_name(
    target: &Target,
    to: SocketAddr,
    failure: &Failure,
    net: &Diagnosis,
    walk: walk::Walk,
) -> Finding {
    let passed = format!("same address and port, control name {CONTROL_NAME}: TLS was spoken");
    let cause = Cause::new(Reason::SniFilter, Who::Network, fix::name_filter(target))
        .sure(Confidence::Medium)
        .seen(format!("{}: {}", target.host, failure.detail))
        .seen(passed);
    let Some(sign) = short_of_the_service(target, to, failure, net, walk).await else {
        let alike =
            "nothing shows that it ended on its way: a balancer with no server for this name looks the same";
        return Finding::of(cause.seen(alike));
    };
    let near = walk.culprit(&net.aside(), to).await;
    let cause = cause.near(near).sure(Confidence::High).seen(sign);
    Finding::of(match near {
        Some(near) => cause.seen(format!("the ClientHello gets as far as {near} and no farther")),
        None => cause,
    })
}

/// What shows that a ClientHello ended on its way, if anything does.
async fn short_of_the_service(
    target: &Target,
    to: SocketAddr,
    failure: &Failure,
    net: &Diagnosis,
    walk: walk::Walk,
) -> Option<String> {
    let open = net.trail(to).await.answered.filter(|(_, answer)| *answer == Answer::Open).map(|(ttl, _)| ttl);
    let hops = connection::count;
    if let (Some(cut), Some(open)) = (walk.cut_at, open)
        && cut < open
    {
        let seen = "a ClientHello that ends before the service was cut";
        return Some(format!("{seen}: it may travel {}, the port opens after {}", hops(cut), hops(open)));
    }
    if failure.code == Code::TlsTimeout {
        return (walk.acknowledged == Some(false))
            .then(|| "the service's address never acknowledged the ClientHello".to_owned());
    }
    let (reset, port) = tokio::join!(net.reset_distance(to, &target.host), distance::of(net, to));
    let (reset, port) = (reset?, port.filter(|port| reset.is_some_and(|reset| reset.hops < port.hops))?);
    // A reset that began with another TTL than the service's answers cannot be compared with them packet by packet.
    if reset.ttl > port.ttl
        && !distance::is_reset_nearer(net, to, &hello::bytes(&target.host, &[]), reset).await
    {
        return None;
    }
    Some(format!("the reset came from {} away, the port's answer from {}", hops(reset.hops), hops(port.hops)))
}

/// A ClientHello that may not travel farther than the first hop was cut: it never left this machine.
async fn cut_on_this_machine(
    target: &Target,
    to: SocketAddr,
    failure: &Failure,
    net: &Diagnosis,
    walk: walk::Walk,
) -> Option<Finding> {
    let hop = match walk.cut_at {
        Some(1) => net.router(to.ip(), 1).await.filter(|hop| *hop != to.ip())?,
        _ => return None,
    };
    let fix = fix::name_filter(target).on_this_machine();
    let cause = Cause::new(Reason::LocalFirewall, Who::Local, fix)
        .sure(Confidence::Medium)
        .seen(failure.detail.clone())
        .seen("a ClientHello that should die at the first hop was cut")
        .seen(format!("other packets of that kind draw \"time exceeded\" from {hop}"));
    Some(Finding::of(cause))
}

/// The control name fails as well. A list of allowed names cuts it too, and lets a neighbour pass.
async fn nameless(
    target: &Target,
    to: SocketAddr,
    failure: &Failure,
    net: &Diagnosis,
    walk: walk::Walk,
) -> Option<Finding> {
    let near = walk.culprit(&net.aside(), to).await;
    let farther =
        net.trail(to).await.answered.is_some_and(|(ttl, _)| walk.died_at.is_some_and(|died| died + 1 < ttl));
    let siblings = neighbour(target, to, net).await;
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
async fn neighbour(target: &Target, to: SocketAddr, net: &Diagnosis) -> Option<String> {
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
/// the very distance from which TCP answers is none, if it is there each time: a path may have several ways.
pub async fn stands_in(
    target: &Target,
    to: SocketAddr,
    failure: &Failure,
    net: &Diagnosis,
) -> Option<Finding> {
    if !net.diagnoses() || device::is_ours(to.ip()) {
        return None;
    }
    let (ttl, router) = net.stand_in(to).await?;
    let cause = Cause::new(Reason::TransparentProxy, Who::Network, fix::bypass(target))
        .near(Some(router))
        // A balancer of the service's own may route other packets on as well.
        .sure(Confidence::Medium)
        .seen(failure.detail.clone())
        .seen(format!(
            "the connection was accepted {} from here, where {router} passes other packets on",
            connection::count(ttl)
        ));
    Some(Finding::of(cause))
}

/// Something other than TLS came back.
async fn plaintext(
    target: &Target,
    observed: &Observed,
    to: Option<SocketAddr>,
    failure: &Failure,
    net: &Diagnosis,
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
        let cause = Cause::new(Reason::BlockPage, Who::Network, fix::web_filter(target))
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
async fn fetch(net: &Diagnosis, target: &Target, to: SocketAddr) -> Option<Page> {
    let aside = net.aside();
    let work = async {
        let stream = aside.connect(&[to.ip()], to.port()).await.ok()?;
        let request = Request::get(&target.host, to.port(), false, "/");
        aside.request(stream, &request).await.ok()
    };
    clock::within(net.timeout().mul_f64(0.4), work).await?
}
