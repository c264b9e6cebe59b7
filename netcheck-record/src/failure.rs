//! What was observed when a target failed: the code, a sentence, and who sent the bad news.

use std::fmt;
use std::io;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::code::Code;

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
