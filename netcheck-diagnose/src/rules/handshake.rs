//! Causes of a TLS handshake that failed: a filter by name, a stand-in, something that is no TLS.

use std::net::SocketAddr;

use crate::distance;
use crate::hello::CONTROL_NAME;
use crate::patience::Question;
use crate::trail::Answer;
use crate::{Finding, fix, walk};
use netcheck_net::clock;
use netcheck_net::http::{Answer as Page, Request};
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::code_kind::CodeKind;
use netcheck_record::failure::{Code, Failure};
use netcheck_record::record::Verdict;
use netcheck_record::scheme::HelloKind;

use crate::Diagnosis;
use crate::Observed;
use netcheck_net::signature;
use netcheck_net::tls::SentHello;
use netcheck_record::target::Target;

use super::intercepted::intercepted_by;
use super::{certificate, hello_form};

/// Why the handshake failed.
pub(crate) async fn explain(
    target: &Target,
    observed: &Observed,
    failure: &Failure,
    net: &Diagnosis,
) -> Option<Finding> {
    let to = observed.path.peer.filter(|_| observed.path.proxy.is_none());
    match failure.code.kind() {
        CodeKind::Reset | CodeKind::Timeout | CodeKind::Closed | CodeKind::Rejected => {
            let sent = observed.path.hello.clone().filter(|_| net.diagnoses())?;
            match to {
                Some(to) => cut(target, to, &sent, failure, net).await,
                None => hello_form::through_proxy(target, &sent, failure, net).await,
            }
        }
        CodeKind::Malformed => Some(plaintext(target, observed, to, failure, net).await),
        CodeKind::Certificate => Some(certificate::explain(target, observed, to, failure, net).await),
        CodeKind::Parameters if failure.code == Code::TlsUnsupported => Some(overlong(target, failure)),
        CodeKind::Parameters => {
            if let Some(to) = to.filter(|_| net.diagnoses() && failure.code == Code::TlsVersion)
                && let Some(chosen) = net.older_hello(to, &target.host).await
            {
                return Some(unsupported(target, failure, net, &chosen));
            }
            let fix = fix::service(target, "its TLS is not what its clients need");
            let cause = Cause::new(Reason::ServiceMisconfigured, Who::Service, fix)
                .with_evidence(failure.detail.clone());
            Some(Finding::of(cause))
        }
        CodeKind::Refused
        | CodeKind::Unreachable
        | CodeKind::Prohibited
        | CodeKind::NotSent
        | CodeKind::Name
        | CodeKind::Authentication
        | CodeKind::Foreign
        | CodeKind::Quality
        | CodeKind::Mail
        | CodeKind::NotProbed => None,
    }
}

/// Cut or silent: does another name pass on the same address and port?
async fn cut(
    target: &Target,
    to: SocketAddr,
    sent: &SentHello,
    failure: &Failure,
    net: &Diagnosis,
) -> Option<Finding> {
    // First and alone: a server, or a device before it, may serve one connection at a time.
    let once = matches!(net.hello(to, CONTROL_NAME).await, crate::hello::Outcome::Spoke(_));
    let control = net.name_decides(to, sent, CONTROL_NAME).await;
    let walk = async {
        if failure.code == Code::TlsAlert { walk::Walk::default() } else { net.hello_walk(to, sent).await }
    };
    let (walk, interceptor) = tokio::join!(walk, intercepted_by(target, to, failure, net));
    if walk.answered_at.is_some() {
        return Some(intermittent(target, failure));
    }
    // A filter that reads one packet at a time may miss the name in a larger ClientHello: where the small one is lost, the
    // name comes first.
    // Where a device ends the connections, one handshake that passes is enough beside the many that were cut.
    let passed = control || (once && interceptor.is_some());
    let by_name = passed && target.host.name().is_some() && failure.code != Code::TlsAlert;
    if failure.code != Code::TlsAlert
        && !(by_name && sent.hello.kind == HelloKind::Small)
        && let Some(finding) = hello_form::explain(target, to, sent, failure, net, walk).await
    {
        return Some(finding);
    }
    if by_name {
        if let Some(finding) = cut_on_this_machine(target, failure, walk) {
            return Some(finding);
        }
        return Some(cut_by_name(target, to, sent, failure, net, walk).await);
    }
    if interceptor.is_some() {
        return interceptor;
    }
    if failure.code == Code::TlsAlert {
        return Some(refused(target, to, failure, net).await);
    }
    all_names_cut(target, to, sent, failure, net, walk).await
}

/// The server refuses by an alert: because it needs what this tool does not speak, or for a reason of its own.
async fn refused(target: &Target, to: SocketAddr, failure: &Failure, net: &Diagnosis) -> Finding {
    if let Some(chosen) = net.older_hello(to, &target.host).await {
        return unsupported(target, failure, net, &chosen);
    }
    let fix = fix::service(target, "its TLS refuses a current client");
    Finding::of(Cause::new(Reason::Unknown, Who::Unknown, fix).with_evidence(failure.detail.clone()))
}

/// The path and the service work, for a client that speaks more than this tool.
fn unsupported(target: &Target, failure: &Failure, net: &Diagnosis, chosen: &str) -> Finding {
    let detail = format!("the server insists on {chosen}, which this tool does not speak");
    net.replace_failure(Failure::new(Code::TlsUnsupported, detail));
    let fix = format!("Check {} with another client: this tool does not speak {chosen}.", target.authority());
    let cause =
        Cause::new(Reason::Unknown, Who::Unknown, fix).with_evidence(failure.detail.clone()).with_evidence(
            format!("to a ClientHello that lists older parameters too, the server chooses {chosen}"),
        );
    Finding::with(Verdict::Inconclusive, cause)
}

/// The server sends more than this tool reads: whether it works for others is not known.
fn overlong(target: &Target, failure: &Failure) -> Finding {
    let fix = format!(
        "Check {} with another client: this tool reads chains of certificates of at most 64 KiB. Shorten the chain.",
        target.authority()
    );
    let cause = Cause::new(Reason::Unknown, Who::Unknown, fix).with_evidence(failure.detail.clone());
    Finding::with(Verdict::Inconclusive, cause)
}

/// The same ClientHello passes at one time and not at another: packets are lost, or one of several servers is ill.
fn intermittent(target: &Target, failure: &Failure) -> Finding {
    let fix = format!(
        "Check {} again: the same request passes at one time and not at another.",
        target.authority()
    );
    let cause = Cause::new(Reason::Unknown, Who::Unknown, fix).with_evidence(failure.detail.clone());
    Finding::of(cause.with_evidence("the same ClientHello was answered when it was sent again"))
}

/// The name fails where another passes: by a filter, or by a balancer of the service's own that has nobody for it. Only
/// what happens to the ClientHello before it can have reached the service tells them apart.
async fn cut_by_name(
    target: &Target,
    to: SocketAddr,
    sent: &SentHello,
    failure: &Failure,
    net: &Diagnosis,
    walk: walk::Walk,
) -> Finding {
    let passed = format!(
        "same address and port, the same ClientHello with the name {CONTROL_NAME}: answered each time"
    );
    let cause = Cause::new(Reason::SniFilter, Who::Network, fix::name_filter(target))
        .with_confidence(Confidence::Medium)
        .with_evidence(format!("{}: {}", target.host, failure.detail))
        .with_evidence(passed);
    if let Some(interceptor) = net.interceptor(to).await {
        let taken = super::intercepted::cause(target, interceptor);
        let who = taken.who;
        return Finding::of(
            taken.evidence.into_iter().fold(Cause { who, ..cause.at_hop(taken.near) }, Cause::with_evidence),
        );
    }
    let Some(sign) = short_of_the_service(to, sent, failure, net, walk).await else {
        let alike =
            "nothing shows that it ended on its way: a balancer with no server for this name looks the same";
        return Finding::of(cause.with_evidence(alike));
    };
    let near = match walk.cut_at {
        // A cut that needs one hop only is the first hop's.
        Some(1) => net.router(to.ip(), 1).await.filter(|hop| *hop != to.ip()),
        _ => net.hello_place(to, sent).await,
    };
    let cause = cause.at_hop(near).with_confidence(Confidence::High).with_evidence(sign);
    Finding::of(match near {
        Some(near) => cause.with_evidence(format!("the ClientHello gets as far as {near} and no farther")),
        None => cause,
    })
}

/// What shows that a ClientHello ended on its way, if anything does.
pub(super) async fn short_of_the_service(
    to: SocketAddr,
    sent: &SentHello,
    failure: &Failure,
    net: &Diagnosis,
    walk: walk::Walk,
) -> Option<String> {
    let open = net.trail(to).await.answered.filter(|(_, answer)| *answer == Answer::Open).map(|(ttl, _)| ttl);
    let hops = super::hops::count;
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
    let (reset, port) = tokio::join!(net.reset_distance(to, sent), distance::of(net, to));
    let (reset, port) = (reset?, port.filter(|port| reset.is_some_and(|reset| reset.hops < port.hops))?);
    // A reset that began with another TTL than the service's answers cannot be compared with them packet by packet.
    if reset.ttl > port.ttl && !distance::is_reset_nearer(net, to, &sent.bytes(), reset).await {
        return None;
    }
    Some(format!("the reset came from {} away, the port's answer from {}", hops(reset.hops), hops(port.hops)))
}

/// This machine's own kernel did not send the ClientHello for this name, and sent the one for the control name.
fn cut_on_this_machine(target: &Target, failure: &Failure, walk: walk::Walk) -> Option<Finding> {
    if !walk.unsent {
        return None;
    }
    let fix = fix::name_filter(target).on_this_machine();
    let cause = Cause::new(Reason::LocalFirewall, Who::Local, fix)
        .with_confidence(Confidence::Medium)
        .with_evidence(failure.detail.clone())
        .with_evidence(
            "the ClientHello stayed in this machine's send queue: its own packet filter does not let it out",
        )
        .with_evidence(format!("the one for {CONTROL_NAME} was sent"));
    Some(Finding::of(cause))
}

/// The control name fails as well. A list of allowed names cuts it too, and lets a neighbour pass.
async fn all_names_cut(
    target: &Target,
    to: SocketAddr,
    sent: &SentHello,
    failure: &Failure,
    net: &Diagnosis,
    walk: walk::Walk,
) -> Option<Finding> {
    let near = net.hello_place(to, sent).await;
    let farther =
        net.trail(to).await.answered.is_some_and(|(ttl, _)| walk.died_at.is_some_and(|died| died + 1 < ttl));
    let siblings = neighbour(target, to, sent, net).await;
    if let Some(name) = siblings {
        let cause = Cause::new(Reason::SniFilter, Who::Network, fix::name_filter(target))
            .at_hop(near)
            .with_confidence(Confidence::Medium)
            .with_evidence(format!("{}: {}", target.host, failure.detail))
            .with_evidence(format!(
                "same address and port, the same ClientHello with the name {name}: answered each time"
            ));
        return Some(Finding::of(cause));
    }
    if let Some(finding) = hello_form::explain_alpn(target, to, sent, failure, net, walk).await {
        return Some(finding);
    }
    if farther {
        let cause = Cause::new(Reason::ProtocolFilter, Who::Network, fix::protocol_filter(target))
            .at_hop(near)
            .with_confidence(Confidence::Medium)
            .with_evidence(failure.detail.clone())
            .with_evidence(
                "the port opens, and the ClientHello does not get as far as the port's answer comes from",
            );
        return Some(Finding::of(cause));
    }
    let cause = Cause::new(Reason::Unknown, Who::Unknown, fix::protocol_filter(target));
    Some(Finding::of(
        cause
            .with_evidence(failure.detail.clone())
            .with_evidence("a control name fails on the same address and port as well"),
    ))
}

/// Another name of the same zone, where the filter knows names: the zone itself, or its www.
async fn neighbour(target: &Target, to: SocketAddr, sent: &SentHello, net: &Diagnosis) -> Option<String> {
    let (_, zone) = target.host.name()?.split_once('.').filter(|(_, zone)| zone.contains('.'))?;
    for name in [format!("www.{zone}"), zone.to_owned()] {
        if Some(name.as_str()) != target.host.name() && net.name_decides(to, sent, &name).await {
            return Some(name);
        }
    }
    None
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
            if observed.path.first_bytes.starts_with(b"HTTP/")
                || observed.path.first_bytes.starts_with(b"<") =>
        {
            fetch(net, target, to).await
        }
        _ => None,
    };
    let bare = Page { status: 200, body: observed.path.first_bytes.clone(), ..Page::default() };
    let found = page.as_ref().and_then(signature::match_page).or_else(|| signature::match_page(&bare));
    if let Some(found) = found {
        return Finding::of(super::page::known(target, failure, &found));
    }
    if let Some(to) = to
        && let Some(finding) = intercepted_by(target, to, failure, net).await
    {
        return finding;
    }
    let fix = fix::service(target, "it answers TLS with something else");
    let cause = Cause::new(Reason::ServiceMisconfigured, Who::Service, fix);
    Finding::of(cause.with_evidence(failure.detail.clone()).with_evidence("no sign of a device on the path"))
}

/// Asks in plain HTTP on the same port for what it has to say.
async fn fetch(net: &Diagnosis, target: &Target, to: SocketAddr) -> Option<Page> {
    let detached = net.detached();
    let work = async {
        let stream = detached.connect(&[to.ip()], to.port()).await.ok()?;
        let request = Request::get(&target.host, to.port(), false, "/");
        detached.request(stream, &request).await.ok()
    };
    clock::within(Question::Exchange.patience(net), work).await?
}
