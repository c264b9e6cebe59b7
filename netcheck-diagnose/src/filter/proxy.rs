//! A proxy that denies a destination: which names does it deny?

use futures_util::future::join_all;

use super::names::{self, How};
use super::{Allowance, Filter, Outcome, Pair};
use crate::Diagnosis;
use crate::hello::CONTROL_NAME;
use netcheck_net::clock;
use netcheck_record::cause::Confidence;
use netcheck_record::failure::Code;
use netcheck_record::target::{Host, Target};

const TIMES: usize = 2;

pub(super) async fn identify(target: &Target, net: &Diagnosis) -> Filter {
    let mut pairs = Vec::new();
    let allowance = Allowance::default();
    let ask = async |name: &str| {
        let one = async || if allowance.take() { is_permitted(target, name, net).await } else { None };
        let asked: Option<Vec<bool>> = join_all((0..TIMES).map(|_| one())).await.into_iter().collect();
        asked.map_or(Outcome::Both, |asked| Outcome::of(&asked))
    };
    let Some(own) = target.host.name() else { return Filter::unknown(pairs) };
    let control = ask(CONTROL_NAME).await;
    pairs.push(Pair {
        change: format!("CONNECT to a foreign name: {CONTROL_NAME}"),
        first: "lost",
        second: control.as_str(),
    });
    if control != Outcome::Answered || ask(own).await != Outcome::Lost {
        return Filter::unknown(pairs);
    }
    let found = names::examine(own, net.flags().seed, &mut pairs, &ask).await;
    let Some(names) = found else { return Filter::unknown(pairs) };
    let rule = format!("The proxy denies CONNECT to hosts whose name {}.", names.words());
    let matches = match names.how {
        How::Exact => "connect_exact",
        How::Suffix => "connect_suffix",
        How::Wildcard => "connect_wildcard",
        How::Contains => "connect_contains",
    };
    Filter {
        case_sensitive: Some(names.case_sensitive),
        confidence: Confidence::High,
        ..Filter::new(matches, Some(names.value), pairs, rule)
    }
}

/// Whether the proxy permits CONNECT to a name: one that it permits and cannot resolve, or cannot reach, is permitted.
async fn is_permitted(target: &Target, name: &str, net: &Diagnosis) -> Option<bool> {
    let proxy = net.proxy_for(target)?;
    let detached = net.detached();
    let host = Host::Name(name.to_owned());
    let connected = clock::within(net.timeout(), detached.through(&proxy, &host, target.port())).await?;
    match connected {
        Ok(_) => Some(true),
        Err(failure) if failure.code == Code::ProxyDenied => Some(false),
        Err(failure) if failure.code == Code::ProxyUpstream => Some(true),
        Err(_) => None,
    }
}
