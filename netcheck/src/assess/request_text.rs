//! A request in words: what a firewall engineer's form asks for, in sentences that can be pasted.

use std::collections::BTreeMap;

use netcheck_record::cause::Reason;

use super::cause_text;
use super::findings::Finding;
use super::request::{Addressee, Request, Rule};

/// As many addresses of a destination are named.
const ADDRESSES: usize = 6;

/// The request as a short paragraph.
pub(super) fn paragraph(request: &Request, finding: &Finding) -> String {
    let mut text = demand(request, finding);
    let need = if request.required { "required" } else { "optional" };
    text.push_str(&format!(" Needed for: {} ({need})", request.reason));
    if !request.optional_reason.is_empty() {
        text.push_str(&format!("; {} (optional)", request.optional_reason));
    }
    text.push('.');
    if !request.evidence.is_empty() {
        text.push_str(&format!(" Evidence: {}.", request.evidence.trim_end_matches('.')));
    }
    if !request.seen.is_empty() {
        text.push_str(&format!(" Seen {} UTC.", request.seen.replace('T', " ").trim_end_matches('Z')));
    }
    netcheck_record::escape::line(&text, 4000)
}

/// What to do about a device that cannot take some ClientHellos.
fn client_hello_request(finding: &Finding, does: &str, to: &str, from: &str) -> String {
    let at = match cause_text::place(finding.cause, finding.near) {
        text if text.is_empty() => " on the path".to_owned(),
        text => format!(" {text}"),
    };
    let hellos = cause_text::hellos(finding);
    format!("A device{at} {does} TLS ClientHellos {hellos}: update it, or exempt {to}{from}.")
}

/// What to do, as a sentence.
fn demand(request: &Request, finding: &Finding) -> String {
    let names = &finding.names;
    let to = match request.unnamed_targets {
        0 => destinations(&request.destinations),
        more => format!(
            "{more} targets that are in the records alone, and {}",
            destinations(&request.destinations)
        ),
    };
    let from = source(request);
    let at = match cause_text::place(finding.cause, finding.near) {
        text if text.is_empty() => text,
        text => format!(", {text}"),
    };
    let direction = &request.direction;
    let vendor = names.vendor.as_ref().map_or(String::new(), |name| format!(" ({name})"));
    let proxy = names.proxy.as_ref().map_or(String::new(), |name| format!(" {name}"));
    let resolver = names.resolver.as_ref().map_or(String::new(), |name| format!(" {name}"));
    match finding.cause {
        Reason::FirewallDrop | Reason::FirewallReject | Reason::UdpBlocked => {
            format!("Allow {direction} {to}{from}{at}.")
        }
        Reason::LocalFirewall => format!("On this machine, allow {direction} {to}."),
        Reason::TlsInspection => {
            let authority = names.authority.as_ref().map_or(String::new(), |name| format!(" Certificates are signed by \"{name}\"."));
            let phones = if cause_text::touches(finding, "apns") {
                " Apple devices accept no other authority for push notifications than Apple's own."
            } else {
                ""
            };
            format!("Exempt from TLS inspection (decryption): {to}{from}{at}.{authority}{phones}")
        }
        Reason::BlockPage => format!("Exempt from the web filter{vendor}: {to}{from}{at}."),
        Reason::SniFilter => format!("Exempt from filtering by server name (SNI): {to}{from}{at}."),
        Reason::ProtocolFilter if names.drops.is_some() => client_hello_request(finding, "blocks", &to, &from),
        Reason::ProtocolFilter => {
            format!("Exempt from protocol filtering (application control): {to}{from}{at}. The connection opens, but its data is blocked.")
        }
        Reason::WebsocketFilter => format!("Allow WebSocket (HTTP Upgrade): {to}{from}{at}."),
        Reason::TransparentProxy => {
            format!("Exempt from the transparent proxy{vendor}: {to}{from}{at}. A device on the path answers in place of the service.")
        }
        Reason::IdleTimeout => format!("Raise the idle timeout of connections: {to}{from}{at}."),
        Reason::LargeHello => {
            let demand = client_hello_request(finding, "drops", &to, &from);
            format!("{demand} Today's browsers send about 1,700 bytes.")
        }
        Reason::MtuBlackhole => format!(
            "Let ICMP \"fragmentation needed\" (type 3 code 4; ICMPv6 type 2) pass, or clamp the TCP MSS on the path to the Internet{at}{from}."
        ),
        Reason::LossyPath => {
            let share = names.lost.map_or(String::new(), |percent| format!(" (about {percent} %)"));
            format!("Repair the path to the Internet: packets are lost{share}{from}. No firewall rule is needed.")
        }
        Reason::ThinLine => format!("Give this network more capacity{from}: the line is full without loss."),
        Reason::Ipv6Broken => format!("Repair the IPv6 route to the Internet, or stop announcing IPv6 to this network{from}."),
        Reason::CaptivePortal => {
            let page = names.portal.as_ref().map_or("any http:// page in a browser".to_owned(), |page| page.clone());
            format!("Open {page} and log in to this network's portal, then run the check again.")
        }
        Reason::Offline => match finding.near {
            Some(near) => format!("Restore the way to the Internet behind {near}, then run the check again."),
            None => "Connect this machine to the network (cable, Wi-Fi, VPN, default route), then run the check again.".to_owned(),
        },
        Reason::DnsOutage => format!("Make the resolver{resolver} answer this machine (UDP and TCP 53), or configure one that does."),
        Reason::DnsFilter => format!("Exempt from DNS filtering on the resolver{resolver}: {to}."),
        Reason::DnsHijack if names.everything => format!(
            "Open any http:// page in a browser and log in to this network's portal. Where there is none, have the resolver{resolver} \
             answer public names with their public addresses. Then run the check again."
        ),
        Reason::DnsHijack => format!("Have the resolver{resolver} answer with the public addresses of {to}."),
        Reason::ProxyAuth => format!(
            "Give netcheck and the platform's clients credentials for the proxy{proxy}, or exempt the platform from authentication. \
             netcheck reads NETCHECK_PROXY_USER and NETCHECK_PROXY_PASSWORD, or --proxy-credentials FILE."
        ),
        Reason::ProxyPolicy => format!("Permit in the policy of the proxy{proxy}: {to}."),
        Reason::ProxyDown => format!("Bring the proxy{proxy} back, or correct the proxy settings of this machine."),
        Reason::ProxyUpstream if names.everything => {
            format!("Give the proxy{proxy} its way to the Internet back: it answers, and reaches no destination.")
        }
        Reason::ProxyUpstream => format!("Let the proxy{proxy} itself reach {to}."),
        Reason::ProxyTicket => format!("Get a valid Kerberos ticket for the proxy{proxy} (kinit, or log in again)."),
        Reason::ProxySpn => format!("Register the service principal of the proxy{proxy} in the directory (setspn)."),
        Reason::ProxyKeytab => format!("Renew the keytab of the proxy{proxy}: it refuses fresh tickets."),
        Reason::ProxyScheme => format!("Let the proxy{proxy} offer Negotiate or Basic, or exempt the platform from authentication."),
        Reason::ProxyPac => "Repair the PAC file: browsers that cannot read it connect directly.".to_owned(),
        Reason::KdcUnreachable => "Allow TCP and UDP 88 to the Kerberos key distribution centre.".to_owned(),
        Reason::ClockSkew => "Set the clock of this machine (NTP): certificates look out of date because of it.".to_owned(),
        Reason::LocalAgent => format!("On this machine, exempt in the VPN, zero-trust client or antivirus: {to}."),
        Reason::NatRewrite => format!("Turn off the application gateway (ALG) that rewrites addresses inside packets: {to}{from}{at}."),
        Reason::NatRebinding => format!("Keep one NAT mapping for one flow: {to}{from}{at}."),
        Reason::MailGateway => format!("Exempt in the mail gateway, without delay or rewriting: {to}."),
        Reason::PortIdle => format!("No network change is needed: the service itself refuses {to}. Check that the service runs."),
        Reason::ServiceDown | Reason::ServiceMisconfigured | Reason::ServiceRefused | Reason::SenderIdentity => format!(
            "No network change is needed: {}. Tell the operator of {}.",
            cause_text::clause(finding),
            cause_text::hosts(finding)
        ),
        Reason::Unknown if names.usable => format!("Find out what limits {to}{from}{at}."),
        Reason::Unknown => format!("Find out why {to} does not work{from}{at}."),
    }
}

/// ` from 10.20.0.10 (eth0; outside 203.0.113.9)`.
fn source(request: &Request) -> String {
    if request.to == Addressee::Person || request.direction == "inbound" {
        return String::new();
    }
    let source = &request.source;
    let mut inside: Vec<String> = Vec::new();
    inside.extend(source.interface.clone());
    inside.extend(source.public_address.iter().map(|address| format!("seen outside as {address}")));
    let inside = if inside.is_empty() { String::new() } else { format!(" ({})", inside.join("; ")) };
    match (&source.address, inside.is_empty()) {
        (Some(address), _) => format!(", from {address}{inside}"),
        (None, false) => format!(", from this machine{inside}"),
        (None, true) => String::new(),
    }
}

/// Destinations with ports and today's addresses; what is optional comes last and says so.
pub(super) fn destinations(rules: &[Rule]) -> String {
    let of = |optional: bool| rules.iter().filter(move |rule| rule.optional == optional);
    let (required, optional) = (by_ports(of(false)), by_ports(of(true)));
    match optional.is_empty() {
        true => required,
        false => format!("{required}; optional: {optional}"),
    }
}

/// Destinations that share ports share them.
fn by_ports<'a>(rules: impl Iterator<Item = &'a Rule>) -> String {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for rule in rules {
        let ports = if rule.ports.is_empty() {
            rule.protocol.clone()
        } else {
            format!("{} {}", rule.protocol, rule.ports)
        };
        let to = with_addresses(rule);
        match known.get(&ports) {
            Some(at) => groups[*at].1.push(to),
            None => {
                known.insert(ports.clone(), groups.len());
                groups.push((ports, vec![to]));
            }
        }
    }
    groups.iter().map(|(ports, to)| format!("{ports} to {}", to.join(", "))).collect::<Vec<_>>().join("; ")
}

fn with_addresses(rule: &Rule) -> String {
    let addresses: Vec<&String> = rule.addresses.iter().filter(|address| **address != rule.rule).collect();
    if addresses.is_empty() || rule.rule.contains('/') {
        return rule.rule.clone();
    }
    let more = addresses.len().saturating_sub(ADDRESSES);
    let mut named = addresses.into_iter().take(ADDRESSES).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 {
        named.push_str(&format!(" and {more} more"));
    }
    format!("{} (now {named})", rule.rule)
}

/// Whom a request is for, as a heading.
pub(crate) fn heading(to: Addressee) -> &'static str {
    match to {
        Addressee::Person => "For the person at this machine",
        Addressee::Network => "For the network or firewall team",
        Addressee::Security => "For the security team (TLS inspection, web filter)",
        Addressee::Proxy => "For the proxy team",
        Addressee::Directory => "For the directory team (Kerberos)",
        Addressee::Dns => "For the DNS team",
        Addressee::Mail => "For the mail team",
        Addressee::Service => "For the service's operator",
    }
}

/// Whom a request is for, in the word of the report.
pub(crate) fn word(to: Addressee) -> &'static str {
    match to {
        Addressee::Person => "person",
        Addressee::Network => "network",
        Addressee::Security => "security",
        Addressee::Proxy => "proxy",
        Addressee::Directory => "directory",
        Addressee::Dns => "dns",
        Addressee::Mail => "mail",
        Addressee::Service => "service",
    }
}
