//! The cause of a connection that something nearer than the service accepts.

use std::net::SocketAddr;

use super::hops::count;
use crate::Diagnosis;
use crate::interception::{Interceptor, Sign};
use crate::{Finding, fix};
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::failure::Failure;
use netcheck_record::target::Target;

/// The cause, with what shows it.
#[must_use]
pub fn cause(target: &Target, interceptor: Interceptor) -> Cause {
    match interceptor {
        Interceptor::ThisMachine(sign) => local(target, sign),
        Interceptor::Device(hops, router) => {
            Cause::new(Reason::TransparentProxy, Who::Network, fix::bypass(target))
                .at_hop(Some(router))
                // A balancer of the service's own may route other packets on as well.
                .with_confidence(Confidence::Medium)
                .with_evidence(format!(
                    "the connection is accepted {} from here, where {router} passes other packets on",
                    count(hops)
                ))
        }
    }
}

fn local(target: &Target, sign: Sign) -> Cause {
    let cause = Cause::new(Reason::LocalAgent, Who::Local, fix::bypass(target).on_this_machine());
    match sign {
        Sign::PeerSocket => {
            cause.with_confidence(Confidence::High).with_evidence("the other end of the connection is a socket of this machine: a VPN or zero-trust client, antivirus or another agent accepts it")
        }
        Sign::Tunnel => cause.with_confidence(Confidence::Medium).with_evidence(
            "a SYN that may travel one hop only is accepted behind a tunnel's interface of this machine: the agent that runs the tunnel accepts it",
        ),
        Sign::Echo => cause.with_confidence(Confidence::Medium).with_evidence(
            "an echo request that may travel one hop only is answered behind a tunnel's interface of this machine: the agent that runs the tunnel answers it",
        ),
    }
}

/// Does a device on the way, or this machine, accept connections in the service's place?
pub async fn intercepted_by(
    target: &Target,
    to: SocketAddr,
    failure: &Failure,
    net: &Diagnosis,
) -> Option<Finding> {
    let mut cause = cause(target, net.interceptor(to).await?);
    cause.evidence.insert(0, netcheck_record::escape::line(&failure.detail, 400));
    Some(Finding::of(cause))
}
