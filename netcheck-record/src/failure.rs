//! What was observed when a target failed: the code, a sentence, and who sent the bad news.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::net::IpAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// A failure code: the stage that failed, a dot, and how (docs/RECORD.md).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])+ $variant,)+ }

        impl Code {
            /// Every code there is, in the order of the stages.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// The code as it stands in a record.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)+ }
            }
        }
    };
}

codes! {
    /// The line or argument is not a target.
    InputInvalid = "input.invalid",
    /// The name does not exist (RCODE 3).
    DnsNxdomain = "dns.nxdomain",
    /// The name exists and has no address (NODATA).
    DnsNoAddress = "dns.no_address",
    /// The resolver failed (RCODE 2).
    DnsServfail = "dns.servfail",
    /// The resolver refused to answer (RCODE 5), or answered with a code that means the same.
    DnsRefused = "dns.refused",
    /// No resolver answered in time.
    DnsTimeout = "dns.timeout",
    /// No resolver could be reached: no route, or its port is closed.
    DnsUnreachable = "dns.unreachable",
    /// The answer is not a DNS message that fits the question.
    DnsMalformed = "dns.malformed",
    /// Every address of the answer is unusable for a public name.
    DnsBogon = "dns.bogon",
    /// This machine has no route to the address.
    RouteNone = "route.none",
    /// This machine refused to send: EPERM or EACCES.
    RouteDenied = "route.denied",
    /// The proxy itself could not be reached.
    ProxyUnreachable = "proxy.unreachable",
    /// The proxy did not answer in time.
    ProxyTimeout = "proxy.timeout",
    /// The proxy asks for credentials (407, or SOCKS authentication refused).
    ProxyAuthRequired = "proxy.auth_required",
    /// The proxy refuses this destination.
    ProxyDenied = "proxy.denied",
    /// The proxy could not reach the destination (502, 503, 504).
    ProxyUpstream = "proxy.upstream",
    /// The proxy's answer is not what its protocol allows.
    ProxyProtocol = "proxy.protocol",
    /// A credential or ticket was sent, and the proxy refused it.
    ProxyAuthRefused = "proxy.auth_refused",
    /// The proxy asks for credentials, and none could be made: no ticket, no password, no service principal.
    ProxyAuthImpossible = "proxy.auth_impossible",
    /// The PAC file could not be fetched; a browser then connects directly.
    ProxyPacUnreachable = "proxy.pac_unreachable",
    /// The PAC file is no script, or its answer is no list of proxies; a browser then connects directly.
    ProxyPacInvalid = "proxy.pac_invalid",
    /// The PAC file or its evaluation did not end in time; a browser then connects directly.
    ProxyPacTimeout = "proxy.pac_timeout",
    /// The SYN was never answered.
    TcpTimeout = "tcp.timeout",
    /// The SYN was answered by RST, or by ICMP port unreachable.
    TcpRefused = "tcp.refused",
    /// The connection was reset after it stood.
    TcpReset = "tcp.reset",
    /// ICMP administratively prohibited (3/9, 3/10, 3/13; ICMPv6 1/1, 1/5, 1/6).
    TcpProhibited = "tcp.prohibited",
    /// ICMP host unreachable.
    TcpHostUnreachable = "tcp.host_unreachable",
    /// ICMP network unreachable.
    TcpNetUnreachable = "tcp.net_unreachable",
    /// The connection was accepted by something nearer than the service: what lies behind it was not reached.
    TcpIntercepted = "tcp.intercepted",
    /// The TLS handshake fell silent.
    TlsTimeout = "tls.timeout",
    /// The connection was reset during the TLS handshake.
    TlsReset = "tls.reset",
    /// The connection was closed during the TLS handshake.
    TlsClosed = "tls.closed",
    /// The peer sent a TLS alert (RFC 8446 section 6).
    TlsAlert = "tls.alert",
    /// The peer does not speak TLS.
    TlsNotTls = "tls.not_tls",
    /// The certificate chain ends in no trusted root.
    TlsUntrusted = "tls.untrusted",
    /// The certificate is for other names.
    TlsNameMismatch = "tls.name_mismatch",
    /// The certificate has expired.
    TlsExpired = "tls.expired",
    /// The certificate is not valid yet.
    TlsNotYetValid = "tls.not_yet_valid",
    /// No common TLS version (alert 70).
    TlsVersion = "tls.version",
    /// No common ALPN protocol (alert 120).
    TlsAlpn = "tls.alpn",
    /// The server requires a TLS parameter that this tool does not implement.
    TlsUnsupported = "tls.unsupported",
    /// No HTTP answer in time.
    HttpTimeout = "http.timeout",
    /// The connection was reset before the HTTP answer was whole.
    HttpReset = "http.reset",
    /// The connection was closed before the HTTP answer was whole.
    HttpClosed = "http.closed",
    /// The answer is not HTTP.
    HttpMalformed = "http.malformed",
    /// The HTTP status is one that cannot pass.
    HttpStatus = "http.status",
    /// Plain HTTP was redirected to another site.
    HttpRedirectForeign = "http.redirect_foreign",
    /// 407 from a proxy nobody configured.
    HttpProxyAuth = "http.proxy_auth",
    /// No answer to the upgrade in time.
    WsTimeout = "ws.timeout",
    /// The connection was reset during or after the upgrade.
    WsReset = "ws.reset",
    /// The connection was closed during or after the upgrade.
    WsClosed = "ws.closed",
    /// An HTTP answer other than 101.
    WsStatus = "ws.status",
    /// 101 without the upgrade headers, or a plain 200 page.
    WsUpgradeMissing = "ws.upgrade_missing",
    /// `Sec-WebSocket-Accept` is not the hash of our key (RFC 6455 section 4.2.2).
    WsBadAccept = "ws.bad_accept",
    /// A ping drew no pong.
    WsNoPong = "ws.no_pong",
    /// The idle connection was cut.
    WsIdleClosed = "ws.idle_closed",
    /// The RTMP handshake fell silent.
    RtmpTimeout = "rtmp.timeout",
    /// The connection was reset during RTMP.
    RtmpReset = "rtmp.reset",
    /// The connection was closed during RTMP.
    RtmpClosed = "rtmp.closed",
    /// The peer does not speak RTMP.
    RtmpNotRtmp = "rtmp.not_rtmp",
    /// S0 names an RTMP version other than 3.
    RtmpBadVersion = "rtmp.bad_version",
    /// S2 does not echo C1.
    RtmpBadEcho = "rtmp.bad_echo",
    /// The server refused the application.
    RtmpRejected = "rtmp.rejected",
    /// Publishing stayed under its bitrate, or delivery paused.
    RtmpSlow = "rtmp.slow",
    /// No datagram came back.
    UdpTimeout = "udp.timeout",
    /// ICMP port unreachable.
    UdpRefused = "udp.refused",
    /// ICMP administratively prohibited, or another unreachable.
    UdpProhibited = "udp.prohibited",
    /// Packets of a series were lost.
    UdpLossy = "udp.lossy",
    /// Delay, jitter or MOS of a series is outside its bound, and nothing was lost.
    UdpQuality = "udp.quality",
    /// A STUN error response.
    StunError = "stun.error",
    /// MAPPED-ADDRESS and XOR-MAPPED-ADDRESS differ.
    StunMismatch = "stun.mismatch",
    /// The answer is not a STUN message.
    StunMalformed = "stun.malformed",
    /// A TURN error response that an Allocate without credentials should not draw.
    TurnError = "turn.error",
    /// The TURN server did not answer over TCP or TLS.
    TurnTimeout = "turn.timeout",
    /// The connection was reset during TURN over TCP or TLS.
    TurnReset = "turn.reset",
    /// The connection was closed during TURN over TCP or TLS.
    TurnClosed = "turn.closed",
    /// The QUIC Initial was never answered.
    QuicTimeout = "quic.timeout",
    /// No common QUIC version.
    QuicVersion = "quic.version",
    /// The peer closed the QUIC connection.
    QuicClosed = "quic.closed",
    /// No echo reply.
    IcmpTimeout = "icmp.timeout",
    /// An ICMP error instead of an echo reply.
    IcmpUnreachable = "icmp.unreachable",
    /// This user may open no ICMP socket here.
    IcmpNotPermitted = "icmp.not_permitted",
    /// The address is outside the networks the service announces.
    PushWrongNetwork = "push.wrong_network",
    /// The answer is not the push service's own.
    PushNotOrigin = "push.not_origin",
    /// The mail server did not answer in time.
    SmtpTimeout = "smtp.timeout",
    /// The connection was reset during SMTP.
    SmtpReset = "smtp.reset",
    /// The connection was closed during SMTP, or the server said 421.
    SmtpClosed = "smtp.closed",
    /// The mail server refused for now (4xx).
    SmtpDeferred = "smtp.deferred",
    /// The mail server refused.
    SmtpRejected = "smtp.rejected",
    /// The mail server offers no STARTTLS.
    SmtpNoStarttls = "smtp.no_starttls",
    /// The sending domain has no SPF record.
    MailNoSpf = "mail.no_spf",
    /// The SPF record does not cover the sending address.
    MailSpfExcludes = "mail.spf_excludes",
    /// No DKIM key or no DKIM signature.
    MailNoDkim = "mail.no_dkim",
    /// The DKIM key or signature is not valid.
    MailDkimInvalid = "mail.dkim_invalid",
    /// The body was changed after it was signed.
    MailBodyChanged = "mail.body_changed",
    /// Reverse and forward names of the mail host disagree.
    MailPtrMismatch = "mail.ptr_mismatch",
    /// The message took too long.
    MailDelayed = "mail.delayed",
    /// The mail host has another address than the published one.
    MailAddressMismatch = "mail.address_mismatch",
    /// The receiving side filed the message as junk or failed its authentication.
    MailJunk = "mail.junk",
    /// The delay cannot be known: clocks contradict each other, or dates are missing.
    MailUndated = "mail.undated",
    /// The file is not one whole message as it was received.
    MailIncomplete = "mail.incomplete",
    /// A bug of the tool, met by one target.
    Internal = "internal",
}

impl Code {
    /// The part before the dot: the stage that failed.
    #[must_use]
    pub fn layer(self) -> &'static str {
        self.as_str().split('.').next().unwrap_or_default()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Code::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == text)
            .ok_or_else(|| de::Error::custom("no such failure code"))
    }
}

impl JsonSchema for Code {
    fn schema_name() -> Cow<'static, str> {
        "Code".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

/// What was observed when a stage failed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub code: Code,
    /// One sentence for people; the wording is free to change.
    pub detail: String,
    /// Who sent the ICMP message that ended the stage, where one did.
    #[serde(skip)]
    pub offender: Option<IpAddr>,
    /// What failed underlying, where this failure stands for another one: no route to the resolver, say.
    #[serde(skip)]
    pub underlying: Option<Code>,
    /// Whether whoever was asked did send something, though no whole answer: no device drops all that passes between us.
    #[serde(skip)]
    pub peer_responded: bool,
}

impl Failure {
    /// A failure with its sentence. Text from the network is made harmless and bounded.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let detail = crate::escape::line(&detail.into(), 400);
        Failure { code, detail, offender: None, underlying: None, peer_responded: false }
    }

    /// The same failure, sent by `offender`.
    #[must_use]
    pub fn with_sender(mut self, offender: Option<IpAddr>) -> Self {
        self.offender = offender;
        self
    }

    /// The same silence, if `count` is not 0: so many `what` came from `whom` all the same.
    #[must_use]
    pub fn with_unrelated_replies(self, count: u32, what: &str, whom: impl fmt::Display) -> Self {
        if count == 0 {
            return self;
        }
        let (plural, verb) = if count == 1 { ("", "answers") } else { ("s", "answer") };
        let detail =
            format!("{}; {count} {what}{plural} came from {whom} that {verb} nothing we asked", self.detail);
        Failure { peer_responded: true, detail: crate::escape::line(&detail, 400), ..self }
    }

    /// The same failure, standing for one underlying it.
    #[must_use]
    pub fn caused_by(mut self, underlying: &Failure) -> Self {
        self.underlying = Some(underlying.underlying.unwrap_or(underlying.code));
        self.offender = underlying.offender;
        self
    }
}

/// One layer of a target: its name in `stages`, and the codes of the three ways any stream can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The name in the record's `stages`.
    pub name: &'static str,
    /// Silence.
    pub timeout: Code,
    /// A reset.
    pub reset: Code,
    /// An orderly close, too early.
    pub closed: Code,
}

impl Layer {
    /// Names and addresses.
    pub const DNS: Layer = Layer::new("dns", Code::DnsTimeout, Code::DnsUnreachable, Code::DnsUnreachable);
    /// The way to the destination through a proxy.
    pub const PROXY: Layer =
        Layer::new("proxy", Code::ProxyTimeout, Code::ProxyUnreachable, Code::ProxyProtocol);
    /// The TCP connection.
    pub const TCP: Layer = Layer::new("tcp", Code::TcpTimeout, Code::TcpReset, Code::TcpReset);
    /// The TLS handshake.
    pub const TLS: Layer = Layer::new("tls", Code::TlsTimeout, Code::TlsReset, Code::TlsClosed);
    /// One HTTP request.
    pub const HTTP: Layer = Layer::new("http", Code::HttpTimeout, Code::HttpReset, Code::HttpClosed);

    /// A layer of a check's own.
    #[must_use]
    pub const fn new(name: &'static str, timeout: Code, reset: Code, closed: Code) -> Self {
        Layer { name, timeout, reset, closed }
    }

    /// The failure an I/O error means on this layer, told by its kind, never by its text.
    #[must_use]
    pub fn io(&self, error: &io::Error) -> Failure {
        use io::ErrorKind as Kind;
        let (code, detail) = match error.kind() {
            Kind::ConnectionReset | Kind::BrokenPipe | Kind::ConnectionAborted | Kind::NotConnected => {
                (self.reset, "connection reset")
            }
            Kind::UnexpectedEof | Kind::WriteZero => (self.closed, "connection closed"),
            Kind::TimedOut => (self.timeout, "no answer: the peer's retransmissions went unanswered"),
            Kind::HostUnreachable | Kind::NetworkUnreachable => {
                (self.timeout, "the path broke: ICMP unreachable")
            }
            _ => (self.closed, "connection lost"),
        };
        Failure::new(code, format!("{detail} during {}", self.name))
    }
}
