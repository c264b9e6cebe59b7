//! Causes of a way through a proxy that was not given.

use crate::Finding;
use crate::Observed;
use netcheck_net::signature;
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::failure::{Code, Failure};
use netcheck_record::fix::{Destination, Filter, Fix, ProxyRepair};
use netcheck_record::target::Target;

/// The proxy's own words, turned into whom to ask for what.
pub(crate) fn explain(target: &Target, observed: &Observed, failure: &Failure) -> Finding {
    let proxy = observed.seen.proxy.clone().unwrap_or_default();
    let destination = Destination::of(target);
    let schemes = observed.seen.facts.get("proxy").and_then(|proxy| proxy.get("schemes")).cloned();
    let repair = |how| Fix::RepairProxy { proxy: proxy.clone(), how, destination: destination.clone() };
    let cause = match failure.code {
        Code::ProxyAuthRequired => {
            let fix = Fix::Authenticate { proxy: proxy.clone(), destination: destination.clone() };
            let cause = Cause::new(Reason::ProxyAuth, Who::Proxy, fix).sure(Confidence::Medium);
            let spoken =
                |scheme: &serde_json::Value| scheme.as_str().is_some_and(|s| s.eq_ignore_ascii_case("basic"));
            match schemes.as_ref().and_then(|schemes| schemes.as_array()) {
                Some(schemes) if !schemes.is_empty() && !schemes.iter().any(spoken) => {
                    let names: Vec<&str> = schemes.iter().filter_map(|scheme| scheme.as_str()).collect();
                    cause.seen(format!("it offers only {}, which this tool does not speak", names.join(", ")))
                }
                _ => cause,
            }
        }
        Code::ProxyDenied => Cause::new(
            Reason::ProxyPolicy,
            Who::Proxy,
            Fix::Exempt {
                from: Filter::ProxyPolicy,
                destination: destination.clone(),
                on_this_machine: false,
                proxy: Some(proxy.clone()),
            },
        )
        .sure(Confidence::Medium),
        Code::ProxyUpstream => {
            Cause::new(Reason::ProxyDown, Who::Proxy, repair(ProxyRepair::ReachDestination))
                .sure(Confidence::Low)
        }
        Code::ProxyProtocol => {
            Cause::new(Reason::ProxyDown, Who::Proxy, repair(ProxyRepair::CheckKind)).sure(Confidence::Low)
        }
        _ if failure.beneath.is_some_and(|code| code.layer() == "tls") => {
            Cause::new(Reason::ProxyDown, Who::Proxy, repair(ProxyRepair::ReplaceCertificate))
                .sure(Confidence::Medium)
        }
        _ => Cause::new(Reason::ProxyDown, Who::Proxy, repair(ProxyRepair::Start)).sure(Confidence::Medium),
    };
    let cause = cause.seen(failure.detail.clone());
    let page = observed.seen.answer.as_ref().and_then(signature::match_page);
    Finding::of(match page {
        Some(page) => cause.seen(format!("its page is one of {} ({})", page.vendor, page.mark)),
        None => cause,
    })
}
