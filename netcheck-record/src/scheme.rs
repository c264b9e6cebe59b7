//! The schemes of targets, one row each: everything a tool, a fix, a proxy choice or a plan has to know of a protocol.

use std::ops::Deref;

use clap::ValueEnum;

/// Which port a scheme uses when a target names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultPort {
    /// This one.
    Is(u16),
    /// None: the target has to name one.
    Required,
    /// The protocol has no ports.
    None,
}

/// What carries a scheme's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// Always TCP.
    Tcp,
    /// Always UDP.
    Udp,
    /// UDP, or TCP where the query says `transport=tcp` (RFC 7065).
    Query,
    /// ICMP echo.
    Icmp,
    /// Questions to the DNS, or nothing at all: no packet goes to the target itself.
    Names,
}

/// Which proxy variables the real clients of a scheme follow (an explicit `--proxy URL` serves every TCP scheme).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyVariables {
    /// `https_proxy`, then `all_proxy`.
    Https,
    /// `http_proxy`, then `all_proxy`.
    Http,
    /// `all_proxy` alone.
    All,
    /// None: the real clients follow no proxy setting.
    None,
}

/// What a firewall's form calls the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP echo.
    Icmp,
    /// DNS questions only.
    Names,
}

impl Transport {
    /// `TCP`, `UDP`, `ICMP` or `DNS`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Transport::Tcp => "TCP",
            Transport::Udp => "UDP",
            Transport::Icmp => "ICMP",
            Transport::Names => "DNS",
        }
    }
}

/// Whose ClientHello is sent.
#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq, Hash)]
pub enum HelloKind {
    /// As today's browsers: X25519MLKEM768 and X25519 key shares, about 1,900 bytes in two packets.
    Browser,
    /// As TLS libraries without a post-quantum key share: about 250 bytes in one packet.
    Small,
}

impl HelloKind {
    /// The other one, which is its control.
    #[must_use]
    pub const fn other(self) -> HelloKind {
        match self {
            HelloKind::Browser => HelloKind::Small,
            HelloKind::Small => HelloKind::Browser,
        }
    }

    /// The word in `--hello` and in `facts.tls.hello`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            HelloKind::Browser => "browser",
            HelloKind::Small => "small",
        }
    }
}

/// What is known of a scheme: one row of [`ALL`].
#[derive(Debug)]
pub struct Row {
    /// The word before `://`.
    pub name: &'static str,
    /// The tool that checks it, without `check-`.
    pub tool: &'static str,
    /// The port when none is named.
    pub port: DefaultPort,
    /// What carries its bytes.
    pub carrier: Carrier,
    /// Whether its bytes run over TLS over TCP from the first byte on.
    pub tls: bool,
    /// The ClientHello its real clients send, where they speak TLS at all.
    pub hello: HelloKind,
    /// The proxy variables its real clients follow.
    pub proxy: ProxyVariables,
    /// The protocol as people write it.
    pub words: &'static str,
}

/// A scheme of the target notation: its row.
#[derive(Clone, Copy, Debug)]
pub struct Scheme(&'static Row);

impl Deref for Scheme {
    type Target = Row;

    fn deref(&self) -> &Row {
        self.0
    }
}

impl PartialEq for Scheme {
    fn eq(&self, other: &Scheme) -> bool {
        self.name == other.name
    }
}

impl Eq for Scheme {}

use Carrier::{Icmp, Names, Query, Tcp, Udp};
use DefaultPort::{Is, Required};
use HelloKind::{Browser, Small};
use ProxyVariables as Follows;

#[expect(clippy::too_many_arguments, reason = "the columns of the table")]
const fn row(
    name: &'static str,
    tool: &'static str,
    port: DefaultPort,
    carrier: Carrier,
    tls: bool,
    hello: HelloKind,
    proxy: ProxyVariables,
    words: &'static str,
) -> Row {
    Row { name, tool, port, carrier, tls, hello, proxy, words }
}

/// Every scheme there is. The first of each tool is its main one, which a bare `host:port` takes.
#[rustfmt::skip]
pub static ALL: &[Row] = &[
    // name            tool     default port       carrier tls    hello    proxy variables words
    row("tcp",           "tcp",   Required,          Tcp,    false, Small,   Follows::All,   "TCP"),
    row("tls",           "tcp",   Is(443),           Tcp,    true,  Browser, Follows::All,   "TLS"),
    row("http",          "tcp",   Is(80),            Tcp,    false, Small,   Follows::Http,  "HTTP"),
    row("https",         "tcp",   Is(443),           Tcp,    true,  Browser, Follows::Https, "HTTPS"),
    row("wss",           "wss",   Is(443),           Tcp,    true,  Browser, Follows::Https, "WebSocket, wss"),
    row("ws",            "wss",   Is(80),            Tcp,    false, Small,   Follows::Http,  "WebSocket, ws"),
    row("rtmps",         "rtmps", Is(443),           Tcp,    true,  Small,   Follows::All,   "RTMPS"),
    row("rtmp",          "rtmps", Is(1935),          Tcp,    false, Small,   Follows::All,   "RTMP"),
    row("stun",          "udp",   Is(3478),          Udp,    false, Small,   Follows::None,  "STUN"),
    row("turn",          "udp",   Is(3478),          Query,  false, Small,   Follows::None,  "TURN"),
    row("turns",         "udp",   Is(5349),          Tcp,    true,  Small,   Follows::None,  "TURN over TLS"),
    row("quic",          "udp",   Is(443),           Udp,    false, Browser, Follows::None,  "QUIC"),
    row("h3",            "udp",   Is(443),           Udp,    false, Browser, Follows::None,  "HTTP/3"),
    row("icmp",          "udp",   DefaultPort::None, Icmp,   false, Small,   Follows::None,  "ICMP echo"),
    row("apns",          "push",  Is(5223),          Tcp,    true,  Small,   Follows::None,  "Apple push"),
    row("apns-provider", "push",  Is(443),           Tcp,    true,  Small,   Follows::None,  "Apple push, sender side"),
    row("fcm",           "push",  Is(5228),          Tcp,    true,  Small,   Follows::None,  "Firebase push"),
    row("fcm-api",       "push",  Is(443),           Tcp,    true,  Small,   Follows::None,  "Firebase push, sender side"),
    row("smtp",          "mail",  Is(25),            Tcp,    false, Small,   Follows::None,  "SMTP"),
    row("sender",        "mail",  DefaultPort::None, Names,  false, Small,   Follows::None,  "sender identity"),
    row("message",       "mail",  DefaultPort::None, Names,  false, Small,   Follows::None,  "received message"),
];

/// Every scheme, in the order of [`ALL`].
pub fn all() -> impl Iterator<Item = Scheme> {
    ALL.iter().map(Scheme)
}

impl Scheme {
    /// The scheme of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Scheme> {
        all().find(|scheme| scheme.name.eq_ignore_ascii_case(name))
    }

    /// The scheme a bare `host:port` takes for this tool.
    #[must_use]
    pub fn main_of(tool: &str) -> Option<Scheme> {
        all().find(|scheme| scheme.tool == tool)
    }

    /// Whether the bytes of this scheme run over TLS over TCP from the first byte on.
    #[must_use]
    pub fn is_tls(self) -> bool {
        self.tls
    }

    /// The transport of a target of this scheme, whose query part is `query`.
    #[must_use]
    pub fn transport(self, query: Option<&str>) -> Transport {
        match self.carrier {
            Carrier::Tcp => Transport::Tcp,
            Carrier::Udp => Transport::Udp,
            Carrier::Icmp => Transport::Icmp,
            Carrier::Names => Transport::Names,
            Carrier::Query if query.is_some_and(asks_for_tcp) => Transport::Tcp,
            Carrier::Query => Transport::Udp,
        }
    }
}

fn asks_for_tcp(query: &str) -> bool {
    query.split('&').any(|pair| pair.eq_ignore_ascii_case("transport=tcp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turn_over_tcp_is_tcp() {
        let of = |query| Scheme::named("turn").map(|turn| turn.transport(query));
        assert_eq!(of(None), Some(Transport::Udp));
        assert_eq!(of(Some("transport=tcp")), Some(Transport::Tcp));
        assert_eq!(of(Some("a=b&transport=TCP")), Some(Transport::Tcp));
    }

    #[test]
    fn every_name_is_there_once() {
        let mut names: Vec<_> = ALL.iter().map(|scheme| scheme.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
