//! Causes above TCP and TLS, for protocols that do not explain themselves: the port opens, the bytes do not pass.

use crate::Diagnosis;
use crate::Observed;
use crate::{Finding, fix};
use netcheck_net::tls::Trust;
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::code_kind::CodeKind;
use netcheck_record::failure::Failure;
use netcheck_record::target::Target;

/// Why the protocol failed on an open port.
pub(crate) async fn explain(
    target: &Target,
    observed: &Observed,
    failure: &Failure,
    net: &Diagnosis,
) -> Option<Finding> {
    let lost = matches!(failure.code.kind(), CodeKind::Timeout | CodeKind::Reset | CodeKind::Closed);
    if !lost {
        return None;
    }
    if let Some(to) = observed.path.peer.filter(|_| observed.path.proxy.is_none())
        && let Some(found) = crate::intercepted_by(target, to, failure, net).await
    {
        return Some(found);
    }
    let mut cause = Cause::new(Reason::ProtocolFilter, Who::Network, fix::protocol_filter(target))
        .with_evidence(failure.detail.clone())
        .with_evidence("the connection opened before");
    if observed.path.trust == Some(Trust::Public) {
        cause = cause.with_evidence(
            "the service proved itself by its certificate, so a filter can only go by size and timing",
        );
    } else {
        cause = cause.with_confidence(Confidence::Low);
    }
    Some(Finding::of(cause))
}
