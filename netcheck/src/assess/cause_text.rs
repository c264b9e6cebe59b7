//! Causes in words: what was found, what to change, whom to ask.

use std::net::IpAddr;

use netcheck_record::cause::{Confidence, Reason, Who};

use super::findings::Finding;

/// Whether a cause is about the whole access and not about single destinations.
pub(crate) fn of_the_access(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::CaptivePortal
            | Reason::Offline
            | Reason::DnsOutage
            | Reason::TlsInspection
            | Reason::ProxyAuth
            | Reason::ProxyDown
            | Reason::ProxyTicket
            | Reason::ProxySpn
            | Reason::ProxyKeytab
            | Reason::ProxyScheme
            | Reason::ProxyPac
            | Reason::KdcUnreachable
            | Reason::Ipv6Broken
            | Reason::ClockSkew
            | Reason::LossyPath
            | Reason::ThinLine
            | Reason::MtuBlackhole
            | Reason::LargeHello
    )
}

/// Whether the place of a cause is part of what it is: two firewalls are two findings, two measurements of one resolver are one.
pub(super) fn has_place(reason: Reason) -> bool {
    let one = matches!(
        reason,
        Reason::LocalFirewall
            | Reason::LocalAgent
            | Reason::BlockPage
            | Reason::DnsFilter
            | Reason::DnsHijack
            | Reason::ProxyPolicy
            | Reason::ProxyUpstream
            | Reason::Unknown
    );
    !one && !of_the_access(reason)
}

/// Whether a cause shows itself by silence, so that its place is not known exactly.
pub(crate) fn silent(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::FirewallDrop
            | Reason::UdpBlocked
            | Reason::MtuBlackhole
            | Reason::LargeHello
            | Reason::Unknown
            | Reason::Offline
    )
}

/// `at 10.30.0.2`, or what is known of the place.
pub(crate) fn place(reason: Reason, near: Option<IpAddr>) -> String {
    match near {
        Some(near) if silent(reason) => format!("at {near} or at the next device"),
        Some(near) => format!("at {near}"),
        None => String::new(),
    }
}

/// Which ClientHellos a device drops.
pub(super) fn hellos(finding: &Finding) -> &str {
    finding.names.drops.as_deref().unwrap_or("that take two packets")
}

/// What was found, in one sentence without its full stop, for a headline.
pub(crate) fn clause(finding: &Finding) -> String {
    let names = &finding.names;
    let covered = ports(finding);
    let at = match place(finding.cause, finding.near) {
        text if text.is_empty() => text,
        text => format!(" {text}"),
    };
    let by = |name: &Option<String>| name.as_ref().map_or(String::new(), |name| format!(" ({name})"));
    match finding.cause {
        Reason::FirewallDrop => format!("a firewall{at} drops {covered}"),
        Reason::FirewallReject => format!("a firewall{at} refuses {covered}"),
        Reason::LocalFirewall => format!("a firewall on this machine blocks {covered}"),
        Reason::Offline => match finding.near {
            Some(near) => format!("this machine has no working network: nothing beyond {near} answers"),
            None => "this machine has no working network: nothing answers".to_owned(),
        },
        Reason::DnsFilter => format!("the resolver{} withholds names", by(&names.resolver)),
        Reason::DnsHijack if names.everything => {
            format!(
                "every name leads to an address of this network's own: to a portal that requires a log-in, or the resolver{} diverts everything",
                by(&names.resolver)
            )
        }
        Reason::DnsHijack => {
            format!("the resolver{} gives addresses that are not the services'", by(&names.resolver))
        }
        Reason::DnsOutage => format!("the resolver{} does not answer", by(&names.resolver)),
        Reason::SniFilter => format!("a device{at} blocks TLS by server name on {covered}"),
        Reason::ProtocolFilter if names.drops.is_some() => {
            format!("a device{at} blocks TLS ClientHellos {}", hellos(finding))
        }
        Reason::ProtocolFilter => {
            format!("a device{at} blocks the data on {covered} after the connection opens")
        }
        Reason::TlsInspection => format!(
            "TLS is intercepted{at}: certificates are signed by {}",
            names
                .authority
                .as_ref()
                .or(names.vendor.as_ref())
                .map_or("an authority of this network".to_owned(), |name| format!("\"{name}\""))
        ),
        Reason::TransparentProxy => format!("a device{at} answers in place of the services on {covered}"),
        Reason::CaptivePortal => {
            let page = names.portal.as_ref().map_or(String::new(), |page| format!(" at {page}"));
            format!("a captive portal{page} requires a log-in")
        }
        Reason::BlockPage => format!("a web filter{} blocks {covered}", by(&names.vendor)),
        Reason::ProxyAuth => format!("the proxy{} requires credentials", by(&names.proxy)),
        Reason::ProxyPolicy => {
            format!("the proxy{} refuses these destinations by its policy", by(&names.proxy))
        }
        Reason::ProxyDown => format!("the proxy{} does not work", by(&names.proxy)),
        Reason::ProxyUpstream if names.everything => {
            format!("the proxy{} reaches no destination", by(&names.proxy))
        }
        Reason::ProxyUpstream => format!("the proxy{} cannot reach these destinations", by(&names.proxy)),
        Reason::ProxyTicket => {
            format!("this machine has no valid Kerberos ticket for the proxy{}", by(&names.proxy))
        }
        Reason::ProxySpn => {
            format!("the directory has no service principal for the proxy{}", by(&names.proxy))
        }
        Reason::ProxyKeytab => format!("the proxy{} cannot verify fresh Kerberos tickets", by(&names.proxy)),
        Reason::ProxyScheme => {
            format!("the proxy{} offers only authentication schemes that are not supported", by(&names.proxy))
        }
        Reason::ProxyPac => "the PAC file is missing, broken or slow".to_owned(),
        Reason::KdcUnreachable => "no Kerberos key distribution centre answers".to_owned(),
        Reason::WebsocketFilter => format!("a device{at} blocks WebSocket on {covered}"),
        Reason::IdleTimeout => format!("a device{at} closes idle connections"),
        Reason::UdpBlocked => format!("a firewall{at} drops {covered}"),
        Reason::MtuBlackhole => format!("large packets are lost{at}, and no ICMP message says so"),
        Reason::LargeHello => format!("a device{at} drops TLS ClientHellos {}", hellos(finding)),
        Reason::LossyPath => match names.lost {
            Some(percent) => format!("packets are lost on the path (about {percent} %)"),
            None => "packets are lost on the path".to_owned(),
        },
        Reason::ThinLine => "the line is full: its capacity is too small".to_owned(),
        Reason::ClockSkew => "the clock of this machine is wrong".to_owned(),
        Reason::Ipv6Broken => "IPv6 is announced here and does not work".to_owned(),
        Reason::NatRewrite => format!("a device{at} rewrites addresses inside packets"),
        Reason::NatRebinding => format!("a NAT{at} changes its mapping within one flow"),
        Reason::LocalAgent => {
            format!("a program on this machine answers in place of the services on {covered}")
        }
        Reason::ServiceDown => format!("the service itself does not work ({})", hosts(finding)),
        Reason::ServiceMisconfigured => format!("the service itself is set up wrongly ({})", hosts(finding)),
        Reason::ServiceRefused => format!("the service itself refuses the request ({})", hosts(finding)),
        Reason::PortIdle => format!("the service itself refuses {covered} ({})", hosts(finding)),
        Reason::MailGateway => "a mail gateway changes or delays messages".to_owned(),
        Reason::SenderIdentity => format!("the sender's own records do not fit ({})", hosts(finding)),
        Reason::Unknown => format!(
            "{covered} to {} {}, and the cause is not known{}",
            hosts(finding),
            if finding.names.usable { "works with limits" } else { "does not work" },
            names.code.map_or(String::new(), |code| format!(" ({})", code.as_str()))
        ),
    }
}

/// What was found, in one sentence: cause, place, how sure, and what it covers.
pub(super) fn summary(finding: &Finding) -> String {
    let mut text = clause(finding);
    if finding.cause == Reason::TlsInspection && touches(finding, "apns") {
        text.push_str("; iPhones get no notifications");
    }
    let to = if of_the_access(finding.cause) || names_hosts(finding.cause) {
        String::new()
    } else {
        format!(" to {}", hosts(finding))
    };
    let known = if finding.known { ", known before" } else { "" };
    format!("{}{to} ({}{known}).", capital(&text), confidence_text(finding.confidence))
}

/// Whether a requirement is among those that a finding touches.
pub(super) fn touches(finding: &Finding, requirement: &str) -> bool {
    finding.requirements.iter().any(|name| name == requirement)
}

fn names_hosts(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ServiceDown
            | Reason::ServiceMisconfigured
            | Reason::ServiceRefused
            | Reason::PortIdle
            | Reason::SenderIdentity
            | Reason::MailGateway
            | Reason::Unknown
    )
}

/// `TCP 10000-10050`, or both transports.
pub(crate) fn ports(finding: &Finding) -> String {
    let mut by_transport: std::collections::BTreeMap<&str, Vec<u16>> = std::collections::BTreeMap::new();
    for destination in &finding.destinations {
        let numbers = by_transport.entry(&destination.protocol).or_default();
        for (first, last) in crate::ports::parse(&destination.ports).unwrap_or_default() {
            numbers.extend(first..=last);
        }
    }
    let text = |(transport, numbers): (&str, Vec<u16>)| match crate::ports::text(numbers) {
        ports if ports.is_empty() => transport.to_owned(),
        ports => format!("{transport} {ports}"),
    };
    by_transport.into_iter().map(text).collect::<Vec<_>>().join(" and ")
}

/// The hosts of a finding, the first three by name.
pub(crate) fn hosts(finding: &Finding) -> String {
    let mut hosts: Vec<&str> =
        finding.destinations.iter().map(|destination| destination.host.as_str()).collect();
    hosts.dedup();
    let more = hosts.len().saturating_sub(3);
    let named = hosts.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    match (more, finding.unnamed_targets) {
        (0, _) => named,
        (more, 0) => format!("{named} and {more} more"),
        (more, _) => format!("{named} and more than {more} more"),
    }
}

/// What to change, in the few words a table has room for. `ports` is like `TCP 10010-10050`.
pub(crate) fn short(reason: Reason, ports: &str) -> String {
    match reason {
        Reason::FirewallDrop | Reason::FirewallReject | Reason::UdpBlocked => {
            return format!("allow {ports}");
        }
        Reason::ProtocolFilter => return format!("no filter on {ports}"),
        Reason::LocalFirewall => return format!("allow {ports} on this machine"),
        Reason::Offline => "restore the way out",
        Reason::DnsFilter => "unblock the names",
        Reason::DnsHijack => "give the true address",
        Reason::DnsOutage => "repair the resolver",
        Reason::SniFilter => "allow TLS by name",
        Reason::TlsInspection => "do not decrypt",
        Reason::TransparentProxy => "exempt from the proxy",
        Reason::CaptivePortal => "log in at the portal",
        Reason::BlockPage => "exempt from the web filter",
        Reason::ProxyAuth => "give proxy credentials",
        Reason::ProxyPolicy => "permit in the proxy",
        Reason::ProxyDown | Reason::ProxyUpstream => "repair the proxy",
        Reason::ProxyTicket => "get a Kerberos ticket",
        Reason::ProxySpn => "register the principal",
        Reason::ProxyKeytab => "renew the proxy's keytab",
        Reason::ProxyScheme => "offer another scheme",
        Reason::ProxyPac => "repair the PAC file",
        Reason::KdcUnreachable => "allow the KDC",
        Reason::WebsocketFilter => "allow WebSocket",
        Reason::IdleTimeout => "raise the idle timeout",
        Reason::MtuBlackhole => "let ICMP too-big pass",
        Reason::LargeHello => "pass large ClientHellos",
        Reason::LossyPath => "repair the line",
        Reason::ThinLine => "more capacity",
        Reason::ClockSkew => "set the clock",
        Reason::Ipv6Broken => "repair IPv6",
        Reason::NatRewrite => "turn off the ALG",
        Reason::NatRebinding => "keep NAT mappings",
        Reason::LocalAgent => "exempt in the local program",
        Reason::ServiceDown | Reason::ServiceMisconfigured | Reason::ServiceRefused => "tell the service",
        Reason::PortIdle => "ask the service",
        Reason::MailGateway => "exempt in the gateway",
        Reason::SenderIdentity => "tell the sender",
        Reason::Unknown => "see below",
    }
    .to_owned()
}

/// Whom to ask, in one word.
pub(crate) fn who(who: Who) -> &'static str {
    match who {
        Who::Network => "network",
        Who::Dns => "dns",
        Who::Proxy => "proxy",
        Who::Local => "local",
        Who::Service => "service",
        Who::Unknown => "unknown",
    }
}

/// How sure a cause is, for people.
pub(crate) fn confidence_text(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "proven",
        Confidence::Medium => "likely",
        Confidence::Low => "uncertain",
    }
}

/// How sure a cause is, in the word of a record.
pub(crate) fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

/// The product that evidence names: `… is a mark of Fortinet`, `its page is one of Squid (…)`.
pub(super) fn vendor(line: &str) -> Option<&str> {
    let name = match (line.split_once(" is a mark of "), line.split_once("page is one of ")) {
        (Some((_, name)), _) | (None, Some((_, name))) => name,
        (None, None) => return None,
    };
    page_vendor(name)
}

/// The product that a page is of: `Squid (a header has …)`.
pub(super) fn page_vendor(page: &str) -> Option<&str> {
    let name = page.split([' ', '(', ',', ';', '.', ':']).next().unwrap_or_default();
    (!name.is_empty()).then_some(name)
}

/// A sentence's first letter, upper-case.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect()
}
