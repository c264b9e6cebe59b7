//! Causes of a resolver that does not answer: where packets to its port 53 stop, or that it is reached and broken.

use std::net::SocketAddr;

use crate::Diagnosis;
use crate::Finding;
use crate::Observed;
use crate::fix;
use crate::resolver_path::ResolverPath;
use netcheck_net::device::is_on_link;
use netcheck_os::Sense;
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::failure::{Code, Failure};
use netcheck_record::fix::{Destination, Fix, RuleTransport};
use netcheck_record::target::Target;

/// A public address; a socket towards it asks the routing table and sends nothing.
const ANYWHERE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(198, 41, 0, 4)), 53);

/// Why the resolver answers nothing, not even questions for the root.
pub(super) async fn explain(
    target: &Target,
    failure: &Failure,
    observed: &Observed,
    net: &Diagnosis,
) -> Cause {
    let Some(server) = server(observed, net) else { return broken(target, failure, net) };
    let cause = if failure.code == Code::DnsUnreachable {
        refused(failure, server, net).await
    } else if failure.code == Code::DnsTimeout {
        silent(target, server, net).await
    } else {
        return broken(target, failure, net);
    };
    let mut cause = cause.unwrap_or_else(|| broken(target, failure, net));
    if cause.evidence.first() != Some(&failure.detail) {
        cause.evidence.insert(0, failure.detail.clone());
    }
    cause
}

/// The resolver truncates its replies and its TCP port is closed: the way for TCP 53 is missing.
pub(super) async fn without_tcp(failure: &Failure, observed: &Observed, net: &Diagnosis) -> Option<Finding> {
    let lookup = observed.path.lookup.as_ref()?;
    let (code, server) = (lookup.truncated_tcp?, lookup.server?);
    let path = net.resolver_path(server).await;
    let cause = if code == Code::TcpTimeout {
        let near = path.connections.last().map(|(_, address)| address);
        Cause::new(Reason::FirewallDrop, Who::Network, allow(RuleTransport::Tcp, server)).at_hop(near)
    } else {
        let near = failure.offender.unwrap_or_else(|| path.refuser(server));
        Cause::new(Reason::FirewallReject, Who::Network, allow(RuleTransport::Tcp, server)).at_hop(Some(near))
    };
    let cause = cause
        .with_confidence(Confidence::Medium)
        .with_evidence(failure.detail.clone())
        .with_evidence(format!(
            "{server} answers over UDP that the reply is truncated (TC) and must be asked for over TCP"
        ));
    Some(Finding::of(cause))
}

fn server(observed: &Observed, net: &Diagnosis) -> Option<SocketAddr> {
    let known = observed.path.lookup.as_ref().and_then(|lookup| lookup.server);
    known.or_else(|| net.resolver().servers().first().copied())
}

fn allow(transport: RuleTransport, server: SocketAddr) -> Fix {
    let (ports, to) = (Some(server.port().to_string()), server.ip().to_string());
    Fix::Allow { destination: Destination { transport, ports, to, scheme: None }, on_this_machine: false }
}

/// The resolver is reached, and does not do its work.
fn broken(target: &Target, failure: &Failure, net: &Diagnosis) -> Cause {
    let servers: Vec<String> = net.resolver().servers().iter().map(ToString::to_string).collect();
    let fix = fix::resolver(target, Some(servers.join(", ")));
    Cause::new(Reason::DnsOutage, Who::Dns, fix)
        .with_confidence(Confidence::Medium)
        .with_evidence(failure.detail.clone())
        .with_evidence("the resolver fails the same way when asked for the root")
}

/// An error came back, from our own kernel or by ICMP.
async fn refused(failure: &Failure, server: SocketAddr, net: &Diagnosis) -> Option<Cause> {
    if failure.underlying == Some(Code::RouteNone) {
        return Some(no_route(server, net));
    }
    let unreachable = failure.underlying == Some(Code::TcpHostUnreachable);
    match failure.offender {
        _ if failure.underlying == Some(Code::RouteDenied) => {
            let fix = allow(RuleTransport::Udp, server).on_this_machine();
            let cause =
                Cause::new(Reason::LocalFirewall, Who::Local, fix).with_confidence(Confidence::Medium);
            Some(cause.with_evidence("the refusal comes from this machine: nothing has left it"))
        }
        Some(offender) if offender != server.ip() => {
            let cause = Cause::new(Reason::FirewallReject, Who::Network, allow(RuleTransport::Udp, server))
                .at_hop(Some(offender))
                .with_confidence(Confidence::Medium)
                .with_evidence(format!("{offender} is not the resolver"));
            Some(cause)
        }
        // The next hop does not answer: the resolver itself, or the router on the way to everybody.
        None if unreachable && !is_on_link(server.ip()) => {
            let other = net.hop_beyond(0).await;
            let fix = format!("Check this machine's network: the next hop towards {server} does not answer.");
            let cause = Cause::new(Reason::Offline, Who::Local, fix).with_confidence(Confidence::Medium);
            Some(match other {
                None if net.is_blind(&[Sense::TcpIcmp, Sense::UdpIcmp]) => {
                    Cause { code: Reason::Unknown, ..cause }
                }
                None => cause.with_evidence("probes towards other public addresses draw no answer either"),
                Some(hop) => Cause { code: Reason::Unknown, ..cause }
                    .with_evidence(format!("{hop} answers on the path to other public addresses")),
            })
        }
        _ => None,
    }
}

/// This machine has no route to the resolver, or none to anywhere.
fn no_route(server: SocketAddr, net: &Diagnosis) -> Cause {
    if netcheck_net::udp::Socket::open(net.egress(), ANYWHERE).is_ok() {
        let fix = format!(
            "On this machine: repair the routing rule (ip rule, ip route) for the resolver {server}."
        );
        return Cause::new(Reason::LocalFirewall, Who::Local, fix)
            .with_confidence(Confidence::Medium)
            .with_evidence("this machine has a route to other addresses");
    }
    Cause::new(Reason::Offline, Who::Local, Fix::Connect { this_machine: true })
        .with_confidence(Confidence::Medium)
        .with_evidence("this machine has no route to other addresses either")
}

/// Nothing came back.
async fn silent(target: &Target, server: SocketAddr, net: &Diagnosis) -> Option<Cause> {
    let path = net.resolver_path(server).await;
    if path.on_link {
        return None;
    }
    match (path.farther(server), path.reached(server)) {
        (Some(farther), _) => {
            Some(dropped(server, &path).with_confidence(Confidence::Medium).with_evidence(farther))
        }
        (None, Some(reached)) => Some(outage(target, server, net).with_evidence(reached)),
        (None, None) => Some(all_silent(server, &path, net).await),
    }
}

fn outage(target: &Target, server: SocketAddr, net: &Diagnosis) -> Cause {
    let failure = Failure::new(Code::DnsTimeout, format!("{server} did not answer"));
    broken(target, &failure, net)
}

/// Packets for port 53 of the resolver stop after the last hop that answered.
fn dropped(server: SocketAddr, path: &ResolverPath) -> Cause {
    let last = path.last();
    let place = match last {
        Some((hop, address)) => {
            format!("DNS questions die at or after {address}, {} from here", super::hops::count(hop))
        }
        None if path.questions.blind => format!("DNS questions to {server} are not answered"),
        None => "no hop answered DNS questions".into(),
    };
    Cause::new(Reason::FirewallDrop, Who::Network, allow(RuleTransport::Udp, server))
        .at_hop(last.map(|(_, address)| address))
        .with_evidence(place)
}

/// Nothing gets farther than the DNS questions do: the resolver's address, or the whole world?
async fn all_silent(server: SocketAddr, path: &ResolverPath, net: &Diagnosis) -> Cause {
    let hop = path.last().map_or(0, |(hop, _)| hop);
    let cause = dropped(server, path);
    match net.hop_beyond(hop).await {
        Some(beyond) => cause.with_confidence(Confidence::Medium).with_evidence(format!(
            "{beyond}, one or two hops farther, answers on the path to other public addresses"
        )),
        // What this system does not show may have answered.
        None if path.is_blind() => cause,
        None if hop == 1 && !net.experiments.reached_beyond() => {
            Cause::new(Reason::Offline, Who::Network, Fix::Connect { this_machine: false })
                .at_hop(path.last().map(|(_, address)| address))
                .with_confidence(Confidence::Medium)
                .with_evidence("packets to the resolver, over UDP and TCP, die at or after the first hop")
                .with_evidence("so do probes towards two other public addresses, over UDP and TCP")
        }
        None if hop == 0 => {
            let fix = format!(
                "Find out why {server} is silent: no router on the path answers, so the place is not known."
            );
            Cause::new(Reason::Unknown, Who::Unknown, fix)
                .with_evidence("no hop answered, for any destination")
        }
        None => cause,
    }
}
