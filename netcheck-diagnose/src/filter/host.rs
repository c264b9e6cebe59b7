//! An HTTP request in the clear that is cut or answered by a block page: which names of the Host header?

use std::net::SocketAddr;

use futures_util::future::join_all;

use super::names::{self, How};
use super::{Allowance, Filter, Outcome, Pair};
use crate::Diagnosis;
use crate::hello::CONTROL_NAME;
use netcheck_net::http::Request;
use netcheck_net::{clock, signature};
use netcheck_record::cause::Confidence;
use netcheck_record::code_kind::CodeKind;
use netcheck_record::failure::Failure;
use netcheck_record::target::{Host, Target};

const TIMES: usize = 2;

pub(super) async fn identify(target: &Target, to: SocketAddr, failure: &Failure, net: &Diagnosis) -> Filter {
    let mut pairs = Vec::new();
    let allowance = Allowance::default();
    let ask = async |name: &str| {
        let one = async || allowance.take() && is_served(net, to, name, &target.request_path()).await;
        Outcome::of(&join_all((0..TIMES).map(|_| one())).await)
    };
    let Some(own) = target.host.name() else { return Filter::unknown(pairs) };
    let control = ask(CONTROL_NAME).await;
    pairs.push(Pair {
        change: format!("a foreign name: {CONTROL_NAME}"),
        first: "lost",
        second: control.as_str(),
    });
    if control != Outcome::Answered || ask(own).await != Outcome::Lost {
        return Filter::unknown(pairs);
    }
    let found = names::examine(own, net.flags().seed, &mut pairs, &ask).await;
    let Some(names) = found else { return Filter::unknown(pairs) };
    if ask(own).await != Outcome::Lost {
        return Filter::unknown(pairs);
    }
    let does = if failure.code.kind() == CodeKind::Timeout { "drops" } else { "answers or ends" };
    let rule = format!("It {does} HTTP requests whose Host {}.", names.words());
    let matches = match names.how {
        How::Exact => "host_exact",
        How::Suffix => "host_suffix",
        How::Wildcard => "host_wildcard",
        How::Contains => "host_contains",
    };
    Filter {
        case_sensitive: Some(names.case_sensitive),
        confidence: Confidence::High,
        ..Filter::new(matches, Some(names.value), pairs, rule)
    }
}

/// Whether a request under this name is answered, and not by a block page.
async fn is_served(net: &Diagnosis, to: SocketAddr, name: &str, path: &str) -> bool {
    let detached = net.detached();
    let work = async {
        let stream = detached.connect(&[to.ip()], to.port()).await.ok()?;
        let request = Request::get(&Host::Name(name.to_owned()), to.port(), false, path);
        let answer = detached.request(stream, &request).await.ok()?;
        signature::match_page(&answer).is_none().then_some(())
    };
    clock::within(net.timeout().mul_f64(0.5), work).await.flatten().is_some()
}
