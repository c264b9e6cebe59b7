//! What a cause asks for, in the few words a table has room for.

use netcheck_record::cause::{Confidence, Reason, Who};

/// What to change, in a few words. `ports` is like `TCP 10010-10050`.
pub(crate) fn short(reason: Reason, ports: &str) -> String {
    match reason {
        Reason::FirewallDrop | Reason::FirewallReject | Reason::UdpBlocked => format!("allow {ports}"),
        Reason::ProtocolFilter => format!("no filter on {ports}"),
        Reason::LocalFirewall => format!("allow {ports} on this machine"),
        other => fixed(other).to_owned(),
    }
}

fn fixed(reason: Reason) -> &'static str {
    match reason {
        Reason::Offline => "restore the way out",
        Reason::DnsFilter => "unblock the names",
        Reason::DnsHijack => "give the true address",
        Reason::DnsOutage => "repair the resolver",
        Reason::SniFilter => "allow TLS by name",
        Reason::TlsInspection => "do not decrypt",
        Reason::TransparentProxy => "exempt from the proxy",
        Reason::CaptivePortal => "log in at the portal",
        Reason::BlockPage => "lift the block",
        Reason::ProxyAuth => "give proxy credentials",
        Reason::ProxyPolicy => "permit in the proxy",
        Reason::ProxyDown => "repair the proxy",
        Reason::WebsocketFilter => "allow WebSocket",
        Reason::IdleTimeout => "raise the idle timeout",
        Reason::MtuBlackhole => "let ICMP too-big pass",
        Reason::LossyPath => "repair the line",
        Reason::ClockSkew => "set the clock",
        Reason::Ipv6Broken => "repair IPv6",
        Reason::NatRewrite => "turn off the ALG",
        Reason::ServiceDown | Reason::ServiceMisconfigured => "tell the service",
        Reason::PortIdle => "nothing: path is open",
        Reason::MailGateway => "exempt in the gateway",
        Reason::SenderIdentity => "tell the sender",
        _ => "see below",
    }
}

/// A cause in a sentence, for who does not know the codes.
pub(crate) fn meaning(reason: Reason) -> &'static str {
    match reason {
        Reason::FirewallDrop => "A firewall drops the packets without an answer.",
        Reason::FirewallReject => "A firewall refuses the connection.",
        Reason::LocalFirewall => "A firewall on this machine blocks it.",
        Reason::Offline => "There is no way to the Internet from here.",
        Reason::DnsFilter => "The resolver withholds the name.",
        Reason::DnsHijack => "The resolver gives an address that is not the service's.",
        Reason::DnsOutage => "No resolver answers.",
        Reason::SniFilter => "A device on the way blocks TLS to this name.",
        Reason::ProtocolFilter => "The port opens; a device on the way stops the protocol.",
        Reason::TlsInspection => "A device on the way decrypts TLS and signs it again.",
        Reason::TransparentProxy => "A device on the way answers in the service's place.",
        Reason::CaptivePortal => "A portal wants somebody to log in first.",
        Reason::BlockPage => "A page that says \"blocked\" comes in the service's place.",
        Reason::ProxyAuth => "The proxy wants to know its user.",
        Reason::ProxyPolicy => "The proxy refuses the destination by its rules.",
        Reason::ProxyDown => "The proxy does not work.",
        Reason::WebsocketFilter => "A device on the way does not let WebSocket through.",
        Reason::IdleTimeout => "A device on the way cuts connections that are idle.",
        Reason::UdpBlocked => "UDP does not pass.",
        Reason::MtuBlackhole => "Large packets vanish on the way.",
        Reason::LossyPath => "Too many packets are lost on the way.",
        Reason::ClockSkew => "The clock of this machine is wrong.",
        Reason::Ipv6Broken => "IPv6 is announced here and does not work.",
        Reason::NatRewrite => "A device on the way rewrites addresses inside the packets.",
        Reason::ServiceDown => "The service itself does not work.",
        Reason::ServiceMisconfigured => "The service itself is set up wrongly.",
        Reason::PortIdle => "The way is open; the service itself refuses.",
        Reason::MailGateway => "A mail gateway changes or delays messages.",
        Reason::SenderIdentity => "The sender's own records do not fit.",
        _ => "What causes it is not known.",
    }
}

/// Whom a request is for, as its heading.
pub(crate) fn addressee(who: Who) -> &'static str {
    match who {
        Who::Network => "For the network or firewall team",
        Who::Dns => "For whoever runs the resolver (DNS)",
        Who::Proxy => "For whoever runs the proxy",
        Who::Local => "For the owner of this machine",
        Who::Service => "For the service's own support",
        Who::Unknown => "Not known whom to ask: start with the network team",
    }
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

/// How sure a cause is, in one word.
pub(crate) fn sure(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}
