//! An HTTP request in the clear that is cut or answered by a block page: which names of the Host header?

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;

use super::names::{self, Subject};
use super::{Allowance, Filter};
use crate::Diagnosis;
use crate::patience::Question;
use netcheck_net::http::Request;
use netcheck_net::{clock, signature};
use netcheck_record::code_kind::CodeKind;
use netcheck_record::failure::Failure;
use netcheck_record::target::{Host, Target};

/// How much longer than a request that is answered a lost one is waited for.
const PATIENCE: u32 = 4;

/// What a filter of plain HTTP matches: the Host field.
pub(super) async fn identify(target: &Target, to: SocketAddr, failure: &Failure, net: &Diagnosis) -> Filter {
    let mut pairs = Vec::new();
    let allowance = Allowance::default();
    let path = target.request_path();
    let patience = Cell::new(net.timeout());
    let ask = async |name: &str| {
        let (begun, wait) = (clock::now(), patience.get());
        let outcome = allowance.repeat(async || Some(is_served(net, to, name, &path, wait).await)).await;
        // The first one is a foreign name, which is answered: what takes much longer is lost.
        patience.set((begun.elapsed() * PATIENCE).clamp(Question::Page.patience(net), net.timeout()));
        outcome
    };
    let Some(own) = target.host.name() else { return Filter::unknown(pairs) };
    let found = names::compare(own, net.flags().seed, &mut pairs, ask).await;
    let Some(names) = found else { return Filter::unknown(pairs) };
    let does = if failure.code.kind() == CodeKind::Timeout { "drops" } else { "answers or ends" };
    let rule = format!("It {does} HTTP requests whose Host {}.", names.words());
    names.filter(Subject::Host, pairs, rule)
}

/// Whether a request under this name is answered in time, and not by a block page.
async fn is_served(net: &Diagnosis, to: SocketAddr, name: &str, path: &str, wait: Duration) -> bool {
    let detached = net.detached();
    let work = async {
        let stream = detached.connect(&[to.ip()], to.port()).await.ok()?;
        let request = Request::get(&Host::Name(name.to_owned()), to.port(), false, path);
        let answer = detached.request(stream, &request).await.ok()?;
        signature::match_page(&answer).is_none().then_some(())
    };
    clock::within(wait, work).await.flatten().is_some()
}
