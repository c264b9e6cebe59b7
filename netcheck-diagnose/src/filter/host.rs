//! An HTTP request in the clear that is cut or answered by a block page: which names of the Host header?

use std::net::SocketAddr;

use super::names::{self, Subject};
use super::{Allowance, Filter};
use crate::Diagnosis;
use crate::patience::Question;
use netcheck_net::http::Request;
use netcheck_net::{clock, signature};
use netcheck_record::code_kind::CodeKind;
use netcheck_record::failure::Failure;
use netcheck_record::target::{Host, Target};

pub(super) async fn identify(target: &Target, to: SocketAddr, failure: &Failure, net: &Diagnosis) -> Filter {
    let mut pairs = Vec::new();
    let allowance = Allowance::default();
    let path = target.request_path();
    let ask = async |name: &str| allowance.repeat(async || Some(is_served(net, to, name, &path).await)).await;
    let Some(own) = target.host.name() else { return Filter::unknown(pairs) };
    let found = names::compare(own, net.flags().seed, &mut pairs, ask).await;
    let Some(names) = found else { return Filter::unknown(pairs) };
    let does = if failure.code.kind() == CodeKind::Timeout { "drops" } else { "answers or ends" };
    let rule = format!("It {does} HTTP requests whose Host {}.", names.words());
    names.filter(Subject::Host, pairs, rule)
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
    clock::within(Question::Page.patience(net), work).await.flatten().is_some()
}
