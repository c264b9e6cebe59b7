//! What was inferred from a failure: the cause, who can mend it, and the evidence.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fix::Fix;

/// Why a target failed (docs/DIAGNOSIS.md tells how each is told apart).
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A device on the way discards the packets.
    FirewallDrop,
    /// A device on the way refuses the packets.
    FirewallReject,
    /// This machine's own firewall or routing refuses to send.
    LocalFirewall,
    /// Nothing answers at all.
    Offline,
    /// The resolver withholds the name.
    DnsFilter,
    /// The resolver answers with an address that is not the service's.
    DnsHijack,
    /// No resolver works.
    DnsOutage,
    /// TLS to this name is cut by its SNI.
    SniFilter,
    /// The port opens; the protocol's bytes are dropped or reset.
    ProtocolFilter,
    /// TLS is opened and signed again on the way.
    TlsInspection,
    /// A device accepts connections in the service's place.
    TransparentProxy,
    /// A log-in page answers in the service's place.
    CaptivePortal,
    /// A "this is blocked" page answers in the service's place.
    BlockPage,
    /// The proxy asks for credentials.
    ProxyAuth,
    /// The proxy's policy refuses the destination.
    ProxyPolicy,
    /// The proxy cannot be reached or cannot reach anything.
    ProxyDown,
    /// The WebSocket upgrade is stripped or refused on the way.
    WebsocketFilter,
    /// Idle connections are cut.
    IdleTimeout,
    /// UDP does not pass, TCP does.
    UdpBlocked,
    /// Large packets vanish without an ICMP message.
    MtuBlackhole,
    /// Packets are lost.
    LossyPath,
    /// This machine's clock is wrong.
    ClockSkew,
    /// IPv6 is announced and does not work.
    Ipv6Broken,
    /// A device rewrites payloads.
    NatRewrite,
    /// The service itself is down.
    ServiceDown,
    /// The service's own doing: expired, wrong name, old TLS.
    ServiceMisconfigured,
    /// Refused by the service itself: the path is open.
    PortIdle,
    /// A mail gateway changes, delays or rewrites messages.
    MailGateway,
    /// The sending domain's own records.
    SenderIdentity,
    /// The service answered and refused: application, key, path or credential; the path is open.
    ServiceRefused,
    /// A device cannot take a ClientHello in two segments.
    LargeHello,
    /// A program of this machine (VPN or zero-trust client, antivirus) answers in the service's place.
    LocalAgent,
    /// A NAT changes its mapping within one flow.
    NatRebinding,
    /// The proxy works and cannot reach this destination.
    ProxyUpstream,
    /// The line is full without loss: its capacity is less than what is needed.
    ThinLine,
    /// There is no valid Kerberos ticket for the proxy.
    ProxyTicket,
    /// The directory has no service principal for the proxy.
    ProxySpn,
    /// The proxy refuses a fresh Kerberos ticket: its keytab does not hold the key.
    ProxyKeytab,
    /// The proxy offers only authentication schemes that this tool does not speak.
    ProxyScheme,
    /// The PAC file is missing, broken or slow.
    ProxyPac,
    /// No Kerberos key distribution centre answers.
    KdcUnreachable,
    /// Not known.
    Unknown,
}

impl Reason {
    /// The code as it stands in a record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::FirewallDrop => "firewall_drop",
            Reason::FirewallReject => "firewall_reject",
            Reason::LocalFirewall => "local_firewall",
            Reason::Offline => "offline",
            Reason::DnsFilter => "dns_filter",
            Reason::DnsHijack => "dns_hijack",
            Reason::DnsOutage => "dns_outage",
            Reason::SniFilter => "sni_filter",
            Reason::ProtocolFilter => "protocol_filter",
            Reason::TlsInspection => "tls_inspection",
            Reason::TransparentProxy => "transparent_proxy",
            Reason::CaptivePortal => "captive_portal",
            Reason::BlockPage => "block_page",
            Reason::ProxyAuth => "proxy_auth",
            Reason::ProxyPolicy => "proxy_policy",
            Reason::ProxyDown => "proxy_down",
            Reason::WebsocketFilter => "websocket_filter",
            Reason::IdleTimeout => "idle_timeout",
            Reason::UdpBlocked => "udp_blocked",
            Reason::MtuBlackhole => "mtu_blackhole",
            Reason::LossyPath => "lossy_path",
            Reason::ClockSkew => "clock_skew",
            Reason::Ipv6Broken => "ipv6_broken",
            Reason::NatRewrite => "nat_rewrite",
            Reason::ServiceDown => "service_down",
            Reason::ServiceMisconfigured => "service_misconfigured",
            Reason::PortIdle => "port_idle",
            Reason::MailGateway => "mail_gateway",
            Reason::SenderIdentity => "sender_identity",
            Reason::ServiceRefused => "service_refused",
            Reason::LargeHello => "large_hello",
            Reason::LocalAgent => "local_agent",
            Reason::NatRebinding => "nat_rebinding",
            Reason::ProxyUpstream => "proxy_upstream",
            Reason::ThinLine => "thin_line",
            Reason::ProxyTicket => "proxy_ticket",
            Reason::ProxySpn => "proxy_spn",
            Reason::ProxyKeytab => "proxy_keytab",
            Reason::ProxyScheme => "proxy_scheme",
            Reason::ProxyPac => "proxy_pac",
            Reason::KdcUnreachable => "kdc_unreachable",
            Reason::Unknown => "unknown",
        }
    }
}

/// Whom to ask for the fix.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The network or firewall team.
    Network,
    /// Whoever runs the resolver.
    Dns,
    /// Whoever runs the proxy.
    Proxy,
    /// The owner of this machine.
    Local,
    /// The service itself.
    Service,
    /// Not known.
    Unknown,
}

/// How sure the cause is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// One sign.
    Low,
    /// Two independent signs.
    Medium,
    /// A control experiment proves it.
    High,
}

/// What was inferred from a failure.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct Cause {
    /// Why it failed.
    pub code: Reason,
    /// Whom to ask.
    pub who: Who,
    /// How sure that is.
    pub confidence: Confidence,
    /// Address of the device that answered instead of the service, or of the last hop that answered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub near: Option<IpAddr>,
    /// What was seen, in sentences.
    pub evidence: Vec<String>,
    /// What has to change, as one sentence for a change request: host, port and protocol.
    pub fix: String,
    /// The same as data: what programs read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub action: Option<Fix>,
}

impl Cause {
    /// A cause with its fix; evidence, place and confidence are added to it.
    pub fn new(code: Reason, who: Who, fix: impl Into<Fix>) -> Self {
        let cause = Cause {
            code,
            who,
            confidence: Confidence::Low,
            near: None,
            evidence: Vec::new(),
            fix: String::new(),
            action: None,
        };
        cause.with_fix(fix)
    }

    /// The same cause with another fix. Text from the network is made harmless and bounded.
    #[must_use]
    pub fn with_fix(mut self, fix: impl Into<Fix>) -> Self {
        let fix = fix.into();
        self.fix = crate::escape::line(&fix.to_string(), 600);
        self.action = Some(match fix {
            Fix::Advise { .. } => Fix::Advise { text: self.fix.clone() },
            fix => fix,
        });
        self
    }

    /// Adds one thing that was seen. Text from the network is made harmless and bounded.
    #[must_use]
    pub fn with_evidence(mut self, evidence: impl Into<String>) -> Self {
        self.evidence.push(crate::escape::line(&evidence.into(), 400));
        self
    }

    /// Says how sure the cause is.
    #[must_use]
    pub fn with_confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// Says where it is.
    #[must_use]
    pub fn at_hop(mut self, address: Option<IpAddr>) -> Self {
        self.near = address;
        self
    }
}
