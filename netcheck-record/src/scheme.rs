//! The schemes of targets: who checks them, and on which port.

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

/// A scheme of the target notation.
#[derive(Clone, Copy, Debug)]
pub struct Scheme {
    /// The word before `://`.
    pub name: &'static str,
    /// The tool that checks it.
    pub tool: &'static str,
    /// The port when none is named.
    pub port: DefaultPort,
}

impl PartialEq for Scheme {
    fn eq(&self, other: &Scheme) -> bool {
        self.name == other.name
    }
}

impl Eq for Scheme {}

const fn scheme(name: &'static str, tool: &'static str, port: u16) -> Scheme {
    Scheme { name, tool, port: DefaultPort::Is(port) }
}

/// Every scheme there is. The first of each tool is its main one, which a bare `host:port` takes.
pub const ALL: &[Scheme] = &[
    Scheme { name: "tcp", tool: "tcp", port: DefaultPort::Required },
    scheme("tls", "tcp", 443),
    scheme("http", "tcp", 80),
    scheme("https", "tcp", 443),
    scheme("wss", "wss", 443),
    scheme("ws", "wss", 80),
    scheme("rtmps", "rtmps", 443),
    scheme("rtmp", "rtmps", 1935),
    scheme("stun", "udp", 3478),
    scheme("turn", "udp", 3478),
    scheme("turns", "udp", 5349),
    scheme("quic", "udp", 443),
    scheme("h3", "udp", 443),
    Scheme { name: "icmp", tool: "udp", port: DefaultPort::None },
    scheme("apns", "push", 5223),
    scheme("apns-provider", "push", 443),
    scheme("fcm", "push", 5228),
    scheme("fcm-api", "push", 443),
    scheme("smtp", "mail", 25),
    Scheme { name: "sender", tool: "mail", port: DefaultPort::None },
    Scheme { name: "message", tool: "mail", port: DefaultPort::None },
];

impl Scheme {
    /// The scheme of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Scheme> {
        ALL.iter().copied().find(|scheme| scheme.name.eq_ignore_ascii_case(name))
    }

    /// The scheme a bare `host:port` takes for this tool.
    #[must_use]
    pub fn main_of(tool: &str) -> Option<Scheme> {
        ALL.iter().copied().find(|scheme| scheme.tool == tool)
    }

    /// Whether the bytes of this scheme run over TLS over TCP from the first byte on.
    #[must_use]
    pub fn is_tls(self) -> bool {
        matches!(
            self.name,
            "tls" | "https" | "wss" | "rtmps" | "turns" | "apns" | "apns-provider" | "fcm" | "fcm-api"
        )
    }
}
