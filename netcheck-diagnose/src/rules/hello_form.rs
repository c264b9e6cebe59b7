//! Causes that lie in the form of a ClientHello: its segments, its length, its packets, or one thing it holds.

use std::net::SocketAddr;

use super::handshake::short_of_the_service;
use crate::hello_form::{self, Difference, Form};
use crate::hello_probe::Destination;
use crate::walk::Walk;
use crate::{Diagnosis, Finding, fix};
use netcheck_net::tls::SentHello;
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::failure::Failure;
use netcheck_record::target::Target;

/// The other kind of ClientHello is answered.
pub(super) async fn explain(
    target: &Target,
    to: SocketAddr,
    sent: &SentHello,
    failure: &Failure,
    net: &Diagnosis,
    walk: Walk,
) -> Option<Finding> {
    let form = net.hello_form(to, sent).await?;
    Some(located(target, to, sent, failure, net, walk, form).await)
}

/// The same ClientHello without ALPN is answered.
pub(super) async fn explain_alpn(
    target: &Target,
    to: SocketAddr,
    sent: &SentHello,
    failure: &Failure,
    net: &Diagnosis,
    walk: Walk,
) -> Option<Finding> {
    let form = Box::pin(hello_form::alpn_matters(net, Destination::Direct(to), sent)).await?;
    Some(located(target, to, sent, failure, net, walk, form).await)
}

/// Through a proxy nothing tells where on the way behind it the ClientHello ends.
pub(super) async fn through_proxy(
    target: &Target,
    sent: &SentHello,
    failure: &Failure,
    net: &Diagnosis,
) -> Option<Finding> {
    let form = Box::pin(hello_form::examine(net, Destination::Proxied(target), sent)).await?;
    Some(Finding::of(cause(target, failure, &form, Place { near: None, sign: None })))
}

async fn located(
    target: &Target,
    to: SocketAddr,
    sent: &SentHello,
    failure: &Failure,
    net: &Diagnosis,
    walk: Walk,
    form: Form,
) -> Finding {
    let sign = short_of_the_service(to, sent, failure, net, walk).await;
    let near = net.hello_place(to, sent).await;
    Finding::of(cause(target, failure, &form, Place { near, sign }))
}

/// Where the ClientHello ends, as far as it shows.
struct Place {
    near: Option<std::net::IpAddr>,
    /// What shows that it ends before the service.
    sign: Option<String>,
}

fn cause(target: &Target, failure: &Failure, form: &Form, place: Place) -> Cause {
    let what = match &form.difference {
        Difference::Segments => "that span two TCP segments".to_owned(),
        Difference::Length(length) => format!("of {length} bytes"),
        Difference::Packet(length) => format!("in packets with {length} bytes of TCP data"),
        Difference::Content(what) => format!("with {what}"),
        Difference::Unclear => "of this form".to_owned(),
    };
    let (reason, fix) = match form.difference {
        Difference::Segments | Difference::Length(_) => {
            (Reason::LargeHello, fix::hello(target, place.near, &what))
        }
        Difference::Packet(_) => (Reason::MtuBlackhole, fix::mtu(target)),
        Difference::Content(_) => (Reason::ProtocolFilter, fix::hello(target, place.near, &what)),
        Difference::Unclear => (Reason::Unknown, fix::protocol_filter(target)),
    };
    let who = match (&place.sign, &form.difference) {
        (None, Difference::Content(_) | Difference::Unclear) => Who::Unknown,
        _ => Who::Network,
    };
    let sure = match (&place.sign, &form.difference) {
        (_, Difference::Unclear) => Confidence::Low,
        (Some(_), _) => Confidence::High,
        (None, _) => Confidence::Medium,
    };
    let cause = Cause::new(reason, who, fix)
        .at_hop(place.near)
        .with_confidence(sure)
        .with_evidence(failure.detail.clone());
    let cause = form.evidence.iter().cloned().fold(cause, Cause::with_evidence);
    match place.sign {
        Some(sign) => cause.with_evidence(sign),
        None => cause.with_evidence(
            "nothing shows that it ended before the service, whose own front end may be the cause",
        ),
    }
}
