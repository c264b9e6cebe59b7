//! What carries TURN to its server, and the rungs of the media ladder made of it.

use std::fmt;
use std::str::FromStr;

use netcheck_common::failure::{Code, Layer};
use netcheck_common::target::Target;

/// TURN over UDP.
pub const OVER_UDP: Layer = Layer::new("turn", Code::UdpTimeout, Code::UdpRefused, Code::StunMalformed);
/// TURN over TCP, and over TLS over TCP.
pub const OVER_STREAM: Layer = Layer::new("turn", Code::TurnTimeout, Code::TurnReset, Code::TurnClosed);

/// What carries TURN to its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A TCP connection.
    Tcp,
    /// TLS over TCP.
    Tls,
}

impl Transport {
    /// The word in facts and on the ladder.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
        }
    }

    /// The codes of its silence and its ends.
    pub fn layer(self) -> Layer {
        match self {
            Transport::Udp => OVER_UDP,
            Transport::Tcp | Transport::Tls => OVER_STREAM,
        }
    }

    /// What the target asks for (RFC 7065: `turns` and `?transport=`).
    pub fn wanted(target: &Target) -> Option<Transport> {
        match (target.scheme.name, target.query("transport")) {
            ("turn", None | Some("udp")) => Some(Transport::Udp),
            ("turn", Some("tcp")) => Some(Transport::Tcp),
            ("turns", None | Some("tcp")) => Some(Transport::Tls),
            _ => None,
        }
    }
}

/// One transport and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The transport.
    pub transport: Transport,
    /// The port of the server.
    pub port: u16,
}

impl FromStr for Rung {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "udp:PORT, tcp:PORT or tls:PORT".to_owned();
        let (transport, port) = text.split_once(':').ok_or_else(wrong)?;
        let transport = match transport {
            "udp" => Transport::Udp,
            "tcp" => Transport::Tcp,
            "tls" => Transport::Tls,
            _ => return Err(wrong()),
        };
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
        Ok(Rung { transport, port })
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport.as_str(), self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rung_is_a_transport_and_a_port() {
        assert_eq!("udp:443".parse(), Ok(Rung { transport: Transport::Udp, port: 443 }));
        assert_eq!("tls:443".parse::<Rung>().map(|rung| rung.to_string()), Ok("tls:443".to_owned()));
        assert!(
            "sctp:443".parse::<Rung>().is_err()
                && "udp:0".parse::<Rung>().is_err()
                && "udp".parse::<Rung>().is_err()
        );
    }
}
