//! A proxy that denies a destination: which names does it deny?

use super::names::{self, Subject};
use super::{Allowance, Filter};
use crate::Diagnosis;
use netcheck_net::clock;
use netcheck_record::failure::Code;
use netcheck_record::target::{Host, Target};

/// Which names the rule of a proxy denies.
pub(super) async fn identify(target: &Target, net: &Diagnosis) -> Filter {
    let mut pairs = Vec::new();
    let allowance = Allowance::default();
    let ask = async |name: &str| allowance.repeat(async || is_permitted(target, name, net).await).await;
    let Some(own) = target.host.name() else { return Filter::unknown(pairs) };
    let found = names::compare(own, net.flags().seed, &mut pairs, ask).await;
    let Some(names) = found else { return Filter::unknown(pairs) };
    let rule = format!("The proxy denies CONNECT to hosts whose name {}.", names.words());
    names.filter(Subject::Connect, pairs, rule)
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
