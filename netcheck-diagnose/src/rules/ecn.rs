//! The cause of SYNs that are answered only without their ECN bits (RFC 3168 section 6.1.1).

use std::net::SocketAddr;

use crate::{Diagnosis, fix};
use netcheck_net::clock;
use netcheck_net::tcp::{self, ProbeOptions};
use netcheck_net::tcp_info::TcpInfo;
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::target::Target;

/// How often the first SYN must be in vain before it counts: one may be lost by chance.
const ROUNDS: u8 = 2;

/// Whether new connections to `to`, too, are made by the second SYN only, which the kernel sends without ECN.
pub async fn unanswered(target: &Target, to: SocketAddr, net: &Diagnosis) -> Option<Cause> {
    for _ in 0..ROUNDS {
        let attempt = tcp::attempt(net.egress(), to, ProbeOptions::default());
        let stream = clock::within(net.timeout().min(net.left()), attempt).await?.ok()?;
        let info = TcpInfo::read(&stream).seen()?;
        if info.retransmissions == 0 || info.ecn {
            return None;
        }
    }
    let text = format!(
        "Let SYNs with ECN bits (RFC 3168) pass to {}, or turn ECN off on this machine (net.ipv4.tcp_ecn).",
        fix::what(target)
    );
    Some(
        Cause::new(Reason::FirewallDrop, Who::Network, text)
            .with_confidence(Confidence::Medium)
            .with_evidence("SYNs that ask for ECN are not answered, each time; the next SYN, without ECN, is")
            .with_evidence("works without ECN"),
    )
}
