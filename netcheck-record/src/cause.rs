//! What was inferred from a failure: the cause, who can mend it, and the evidence.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fix::Fix;
use crate::vocabulary::vocabulary;

vocabulary! {
    /// Why a target failed (docs/CODES.md; docs/DIAGNOSIS.md says how each is distinguished).
    pub enum Reason;
    /// A device on the path discards the packets.
    /// - Seen: The packets stop at a hop, while the same address answers on another port or other packets pass that hop.
    /// - Not: `offline`, where nothing beyond the first hop answers; `service_down`, where no port of the address answers.
    /// - Acts: The network team: allow the port and protocol to the destination.
    FirewallDrop = "firewall_drop",
    /// A device on the path refuses the packets.
    /// - Seen: An ICMP error from a device that is not the service, or a RST from nearer than the service.
    /// - Not: `port_idle`: that RST comes from the service's own distance.
    /// - Acts: The network team: allow the port and protocol to the destination.
    FirewallReject = "firewall_reject",
    /// This machine's own firewall or routing refuses to send.
    /// - Seen: EPERM or EACCES, an ICMP error of this machine's own, or bytes that stay in the send queue.
    /// - Not: `firewall_drop` at the first hop; `local_agent`, a tunnel of this machine.
    /// - Acts: The owner of this machine.
    LocalFirewall = "local_firewall",
    /// This machine has no working network connection.
    /// - Seen: There is no route, or nothing beyond the first hop answers, for the destination and for two other public addresses.
    /// - Not: `dns_outage`, where only names fail; `firewall_drop`, where other destinations answer.
    /// - Acts: The owner of this machine: connect it to a network.
    Offline = "offline",
    /// The resolver withholds the name.
    /// - Seen: Extended DNS errors 15 to 18, a sinkhole address, or another answer from the reference resolver.
    /// - Not: `dns_outage`, where the control names fail as well.
    /// - Acts: Whoever runs the resolver: allow the name.
    DnsFilter = "dns_filter",
    /// The resolver answers with an address that is not the service's.
    /// - Seen: A private or known block-page address for a public name, and no genuine certificate there.
    /// - Not: A local zero-trust client whose addresses lead to the service: TLS proves it.
    /// - Acts: Whoever runs the resolver.
    DnsHijack = "dns_hijack",
    /// DNS is broken: the resolver resolves no name.
    /// - Seen: The control questions for the root fail as well, and the resolver itself is reached.
    /// - Not: `dns_filter`, where only this name fails; `firewall_drop` of port 53.
    /// - Acts: Whoever runs the resolver.
    DnsOutage = "dns_outage",
    /// TLS to this name is cut because of its SNI.
    /// - Seen: The same address and port answers TLS under a control name, and the ClientHello with this name does not arrive.
    /// - Not: `protocol_filter`, where every name is cut; `large_hello`, where the size decides.
    /// - Acts: The network team: exempt the name from the filter.
    SniFilter = "sni_filter",
    /// The port opens, and the protocol's bytes are dropped or reset.
    /// - Seen: The connection opens, and no ClientHello or request is answered, whatever its name.
    /// - Not: `sni_filter`, where another name passes.
    /// - Acts: The network team: exempt the destination from protocol filtering.
    ProtocolFilter = "protocol_filter",
    /// TLS is intercepted: decrypted and signed again on the path.
    /// - Seen: The certificate comes from a private issuer that signs for other names too, or from a known product, or from nearer than the service.
    /// - Not: A private certificate of the service's own; an incomplete chain.
    /// - Acts: The network team: exempt the destination from decryption.
    TlsInspection = "tls_inspection",
    /// A device accepts connections instead of the service.
    /// - Seen: The SYN is accepted at a hop where a router passes other packets on.
    /// - Not: `local_agent`, a program of this machine; a load balancer of the service's own.
    /// - Acts: The network team: exempt the destination.
    TransparentProxy = "transparent_proxy",
    /// A log-in page answers instead of the service.
    /// - Seen: A redirect to, or a page of, another site that other addresses show too; or status 511.
    /// - Not: `block_page`, which logging in does not remove.
    /// - Acts: The user: log in, then run the check again.
    CaptivePortal = "captive_portal",
    /// A page that says "blocked" answers instead of the service.
    /// - Seen: A known page (profiles/signatures.toml), or a foreign page that other addresses show too.
    /// - Not: An error page of the service's own.
    /// - Acts: The network team: exempt the destination from the web filter.
    BlockPage = "block_page",
    /// The proxy asks for credentials.
    /// - Seen: Status 407, or SOCKS authentication refused, in the proxy's own words.
    /// - Not: `proxy_policy`, a refusal whoever asks.
    /// - Acts: The owner of this machine: give credentials; or whoever runs the proxy.
    ProxyAuth = "proxy_auth",
    /// The policy of the proxy refuses the destination.
    /// - Seen: A status such as 403 in answer to CONNECT.
    /// - Not: `proxy_upstream`, where the proxy tries and fails.
    /// - Acts: Whoever runs the proxy: allow the destination.
    ProxyPolicy = "proxy_policy",
    /// The proxy cannot be reached, or it can reach nothing.
    /// - Seen: The connection to the proxy fails, or CONNECT for a name that does not exist hangs as well.
    /// - Not: `proxy_upstream`, where only this destination fails.
    /// - Acts: Whoever runs the proxy.
    ProxyDown = "proxy_down",
    /// The WebSocket upgrade is removed or refused on the path.
    /// - Seen: The response comes from nearer than the service, has headers of a proxy, or comes inside intercepted TLS; or no frame passes after 101.
    /// - Not: `service_refused`: the service itself answers 301, 401 or 404.
    /// - Acts: The network team: let WebSocket upgrades pass.
    WebsocketFilter = "websocket_filter",
    /// A device cuts idle connections.
    /// - Seen: The connection works, is quiet for some seconds and is then dead; shorter pauses survive.
    /// - Not: `service_down`; a server that closes with a Close frame.
    /// - Acts: The network team: raise the idle timeout.
    IdleTimeout = "idle_timeout",
    /// UDP does not pass; TCP does.
    /// - Seen: Datagrams to two ports stop at a hop that TCP to the same address passes.
    /// - Not: `firewall_drop` of one port.
    /// - Acts: The network team: allow UDP to the destination.
    UdpBlocked = "udp_blocked",
    /// Large packets vanish without an ICMP message.
    /// - Seen: The same exchange passes with 500-byte segments and fails without, in repeated rounds.
    /// - Not: `lossy_path`, where the rounds differ; `large_hello`, where the content or length of the ClientHello decides.
    /// - Acts: The network team: let ICMP "fragmentation needed" pass, or clamp the MSS.
    MtuBlackhole = "mtu_blackhole",
    /// Packets are lost.
    /// - Seen: A series of probes has losses, at random.
    /// - Not: `thin_line`, a full line without loss; `udp_blocked`, where all are lost.
    /// - Acts: The network team, or the provider of the line.
    LossyPath = "lossy_path",
    /// This machine's clock is wrong.
    /// - Seen: The service's `Date`, or the KDC's time, differs by more than the certificates or tickets allow.
    /// - Not: `service_misconfigured`: the certificate has really expired.
    /// - Acts: The owner of this machine: set the clock.
    ClockSkew = "clock_skew",
    /// IPv6 is announced and does not work.
    /// - Seen: IPv6 is silent or unreachable, IPv4 of the same name connects, and no IPv6 port of the address answers.
    /// - Not: `firewall_drop` of one port over IPv6.
    /// - Acts: The network team: repair IPv6, or stop announcing it.
    Ipv6Broken = "ipv6_broken",
    /// A device rewrites payloads.
    /// - Seen: Addresses inside the payload, or echoed bytes, came back changed.
    /// - Not: An ordinary NAT, which changes headers only.
    /// - Acts: The network team: turn the application-level gateway off.
    NatRewrite = "nat_rewrite",
    /// The service itself is down.
    /// - Seen: A server error inside the service's own TLS, or a path that works up to the service's own distance.
    /// - Not: `firewall_drop`, where the path stops earlier.
    /// - Acts: The service.
    ServiceDown = "service_down",
    /// The service's configuration is wrong: an expired certificate, a wrong name, old TLS.
    /// - Seen: The service's own genuine answer has the fault.
    /// - Not: `tls_inspection`, where another issuer signs.
    /// - Acts: The service.
    ServiceMisconfigured = "service_misconfigured",
    /// The service's host itself refuses the port; the path is open.
    /// - Seen: A RST from the service's own distance, or an open neighbour port.
    /// - Not: `firewall_reject`: that RST comes from nearer.
    /// - Acts: The service: nothing listens there. No network change is needed.
    PortIdle = "port_idle",
    /// A mail gateway changes, delays or rewrites messages.
    /// - Seen: Headers and hops of the received message name it.
    /// - Not: `sender_identity`, faults of the sending domain.
    /// - Acts: Whoever runs the mail gateway.
    MailGateway = "mail_gateway",
    /// The sending domain's own DNS records are wrong.
    /// - Seen: SPF, DKIM, DMARC or reverse DNS, as published.
    /// - Not: `mail_gateway`, which acts after sending.
    /// - Acts: The owner of the sending domain.
    SenderIdentity = "sender_identity",
    /// The service answered and refused: application, key, path or credential; the path is open.
    /// - Seen: An error in the service's own protocol from its own distance, or inside publicly trusted TLS.
    /// - Not: `websocket_filter` and `block_page`, where a device answers.
    /// - Acts: The service, or whoever gave the key or path.
    ServiceRefused = "service_refused",
    /// A device drops a ClientHello of two segments or of a browser's length.
    /// - Seen: Only the larger ClientHello is lost each time; a small one in two segments or padded to its length is lost too.
    /// - Not: `mtu_blackhole`: smaller segments pass there; `sni_filter`: the name decides there.
    /// - Acts: The network team: update the device, or exempt the destination.
    LargeHello = "large_hello",
    /// A program of this machine (VPN or zero-trust client, antivirus) answers instead of the service.
    /// - Seen: The other end of the connection is a socket of this machine, or a SYN or echo request of one hop is answered behind a tunnel.
    /// - Not: `transparent_proxy` at the first hop.
    /// - Acts: The owner of this machine.
    LocalAgent = "local_agent",
    /// A NAT changes its mapping within one flow.
    /// - Seen: The TURN server answers 437 (Allocation Mismatch) on one flow: it sees another address or port of ours.
    /// - Not: `nat_rewrite`, where payloads change.
    /// - Acts: The network team: keep UDP mappings longer.
    NatRebinding = "nat_rebinding",
    /// The proxy works and cannot reach this destination.
    /// - Seen: A gateway error (500 to 504) to CONNECT, while other CONNECT requests are answered.
    /// - Not: `proxy_down`, where the proxy reaches nothing.
    /// - Acts: Whoever runs the proxy, or the network team behind it.
    ProxyUpstream = "proxy_upstream",
    /// The line is full without loss: its capacity is less than what is needed.
    /// - Seen: Throughput stays below the bitrate, no bytes were sent again, and neither end held the stream back.
    /// - Not: `lossy_path`.
    /// - Acts: The network team, or the provider of the line.
    ThinLine = "thin_line",
    /// This machine has no valid Kerberos ticket for the proxy.
    /// - Seen: The credential cache is empty or its ticket has ended.
    /// - Not: `kdc_unreachable`, where no ticket can be fetched.
    /// - Acts: The owner of this machine: run `kinit`, or log in again.
    ProxyTicket = "proxy_ticket",
    /// The directory has no service principal for the proxy.
    /// - Seen: The KDC answers error 7 for `HTTP/` and the proxy's name.
    /// - Not: `proxy_keytab`, where the principal exists.
    /// - Acts: Whoever runs the directory: register the service principal.
    ProxySpn = "proxy_spn",
    /// The proxy refuses a fresh Kerberos ticket: its keytab does not hold the key.
    /// - Seen: A ticket was issued just now and is refused; the proxy's clock is right.
    /// - Not: A policy that refuses the user: `proxy_policy`.
    /// - Acts: Whoever runs the proxy: renew its keytab.
    ProxyKeytab = "proxy_keytab",
    /// The proxy offers only authentication schemes that this tool does not speak.
    /// - Seen: The `Proxy-Authenticate` headers, for example NTLM alone.
    /// - Not: `proxy_auth`, where a known scheme is offered.
    /// - Acts: Whoever runs the proxy: offer Negotiate or Basic.
    ProxyScheme = "proxy_scheme",
    /// The PAC file is missing, broken or slow.
    /// - Seen: The fetch or the evaluation fails; browsers then connect directly, and so does the check.
    /// - Not: `proxy_down`, where the script works.
    /// - Acts: Whoever runs the proxy script.
    ProxyPac = "proxy_pac",
    /// No Kerberos key distribution centre answers.
    /// - Seen: The KDCs of krb5.conf and the DNS do not answer on port 88, or none is named.
    /// - Not: `proxy_ticket`, where the KDC is not needed.
    /// - Acts: The network team: allow port 88; or the owner of this machine: configure the realm.
    KdcUnreachable = "kdc_unreachable",
    /// The cause is not known.
    /// - Seen: The experiments excluded no alternative, or there was no time for them.
    /// - Not: Proof that the network is right.
    /// - Acts: Whoever investigates: compare from another network, with `-v`.
    Unknown = "unknown",
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
