//! Causes of a name without a usable address: the resolver's policy, its failure, or somebody's lie.

use hickory_proto::rr::RecordType;

use super::{bogon, resolver};
use crate::Diagnosis;
use crate::Observed;
use crate::patience::Question;
use crate::{Finding, fix};
use netcheck_net::dns;
use netcheck_net::tls::Trust;
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::failure::{Code, Failure};
use netcheck_record::target::Target;

/// Extended errors that are a policy (RFC 8914 sections 4.16 to 4.19).
const POLICY: [(u16, &str); 4] = [(15, "blocked"), (16, "censored"), (17, "filtered"), (18, "prohibited")];

/// Whether the resolver answers anything at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sanity {
    /// It answers for the root.
    Answers,
    /// It is as silent or as unwilling there.
    Fails,
}

/// Why the name has no usable address.
pub(crate) async fn explain(
    target: &Target,
    observed: &Observed,
    failure: &Failure,
    net: &Diagnosis,
) -> Option<Finding> {
    if failure.code == Code::DnsBogon {
        return Some(match observed.path.trust {
            Some(Trust::Public) if observed.failure.is_none() => {
                bogon::proven(target, observed, failure, net).await
            }
            _ => bogon::explain(target, observed, failure, net).await,
        });
    }
    if failure.code == Code::DnsNoAddress
        && let Some(finding) = super::excluded::by_flags(target, observed, net)
    {
        return Some(finding);
    }
    let mut cause =
        Cause::new(Reason::DnsFilter, Who::Dns, fix::resolve(target)).with_evidence(failure.detail.clone());
    let policy = policy(observed);
    if let Some((code, word)) = policy {
        cause = cause
            .with_confidence(Confidence::Medium)
            .with_evidence(format!("the resolver says itself: {word} (extended error {code})"));
    }
    if !net.diagnoses() {
        return policy.map(|_| Finding::of(cause));
    }
    if let Some(finding) = resolver::without_tcp(failure, observed, net).await {
        return Some(finding);
    }
    if let Some(finding) = only_ipv4(target, failure, net).await {
        return Some(finding);
    }
    if let Some(found) = second_opinion(target, net).await {
        if found.is_empty() {
            let fix = fix::service(target, "its name has no address, at another resolver neither");
            return Some(Finding::of(
                Cause::new(Reason::ServiceMisconfigured, Who::Service, fix)
                    .with_confidence(Confidence::Medium)
                    .with_evidence(failure.detail.clone()),
            ));
        }
        let elsewhere = format!("the reference resolver has addresses for it: {found}");
        // A resolver that answers nothing filters nothing: the other one shows that, too.
        let broken = matches!(failure.code, Code::DnsTimeout | Code::DnsUnreachable | Code::DnsServfail);
        if broken && policy.is_none() && net.resolver_sanity().await == Sanity::Fails {
            return Some(Finding::of(
                resolver::explain(target, failure, observed, net).await.with_evidence(elsewhere),
            ));
        }
        return Some(Finding::of(cause.with_confidence(Confidence::High).with_evidence(elsewhere)));
    }
    if policy.is_some() {
        return Some(Finding::of(cause));
    }
    Some(Finding::of(match net.resolver_sanity().await {
        Sanity::Answers if matches!(failure.code, Code::DnsNoAddress | Code::DnsMalformed) => {
            Cause { code: Reason::Unknown, ..cause }
                .with_evidence("the same resolver answers other questions")
        }
        // A filter looks like this, and so does a name that is not there: one sign, no more.
        Sanity::Answers => cause.with_evidence("the same resolver answers other questions"),
        Sanity::Fails => resolver::explain(target, failure, observed, net).await,
    }))
}

/// Extended errors of the lookup that are a policy.
fn policy(observed: &Observed) -> Option<(u16, &'static str)> {
    let lookup = observed.path.lookup.as_ref()?;
    let codes = lookup.extended.iter().map(|extended| extended.code);
    codes.into_iter().find_map(|code| POLICY.into_iter().find(|(known, _)| *known == code))
}

/// With `-6`, a name whose AAAA question fails and whose A question is answered exists.
async fn only_ipv4(target: &Target, failure: &Failure, net: &Diagnosis) -> Option<Finding> {
    let name = target.host.name().filter(|_| net.flags().ipv6)?;
    let budget = Question::Lookup.patience(net);
    let lookup = dns::both(&net.resolver().servers(), name, dns::Families::V4, budget).await;
    let address = lookup.addresses.first()?;
    let fix = format!(
        "Have the resolver answer AAAA questions for {name} (empty, where it has no IPv6 address), or check without -6: over IPv4 the name resolves."
    );
    let cause = Cause::new(Reason::Unknown, Who::Dns, fix)
        .with_confidence(Confidence::Medium)
        .with_evidence(failure.detail.clone())
        .with_evidence(format!("the name exists: the same resolver answers the A question with {address}"));
    Some(Finding::of(cause))
}

/// What the reference resolver says of the name, as evidence; `None` where none is named.
pub(super) async fn second_opinion(target: &Target, net: &Diagnosis) -> Option<String> {
    let reference = net.flags().reference_resolver.as_ref()?;
    let bound = net.left().min(net.timeout());
    let addresses =
        netcheck_net::clock::within(bound, dns::reference::lookup(net, reference, target.host.name()?))
            .await??;
    let shown: Vec<String> = addresses.iter().take(4).map(ToString::to_string).collect();
    Some(shown.join(", "))
}

/// Asks the resolver for the root's servers, which every resolver knows.
pub(crate) async fn sanity(net: &Diagnosis) -> Sanity {
    let budget = Question::Sanity.patience(net);
    let servers = net.resolver().servers();
    match dns::ask(&servers, "", RecordType::NS, budget).await {
        Ok(response) if matches!(response.reply.rcode, 0 | 3) => Sanity::Answers,
        _ => Sanity::Fails,
    }
}

/// The resolver gave the address of a known block page in place of the service's.
pub(crate) fn block_page_address(
    target: &Target,
    observed: &Observed,
    failure: &Failure,
    net: &Diagnosis,
) -> Option<Finding> {
    let (vendor, address) = net.block_address(&observed.path.addresses)?;
    let cause = Cause::new(Reason::DnsHijack, Who::Dns, fix::resolve(target))
        .with_confidence(Confidence::Medium)
        .with_evidence(failure.detail.clone())
        .with_evidence(format!("{address} is an address of {vendor}'s block pages, not of the service"));
    Some(Finding::of(cause))
}
