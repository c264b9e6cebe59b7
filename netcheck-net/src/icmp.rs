//! ICMP messages that ended a socket: what they say, and the failure they mean.

use std::net::IpAddr;

use netcheck_os::icmp::Message;
use netcheck_os::{Sight, device};
use socket2::SockRef;

use netcheck_record::failure::{Code, Failure};

pub use netcheck_os::icmp::{ignore, listen};

/// An ICMP error that reached a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// Whether it is ICMPv6.
    pub v6: bool,
    /// Its type.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// Who sent it.
    pub sender: Option<IpAddr>,
    /// The next hop's MTU, where the packet was too big (RFC 1191, RFC 8201).
    pub mtu: Option<u32>,
}

/// What an ICMP error says about the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The packet's TTL ran out on the way.
    TimeExceeded,
    /// Port unreachable.
    Refused,
    /// Administratively prohibited.
    Prohibited,
    /// No route to the network.
    NetUnreachable,
    /// No such host there.
    HostUnreachable,
    /// Something else.
    Other,
}

impl Icmp {
    /// What it says (RFC 792, RFC 1812 section 5.2.7.1, RFC 4443 section 3.1).
    #[must_use]
    pub fn meaning(self) -> Meaning {
        match (self.v6, self.kind, self.code) {
            (false, 11, _) | (true, 3, _) => Meaning::TimeExceeded,
            (false, 3, 3) | (true, 1, 4) => Meaning::Refused,
            (false, 3, 9 | 10 | 13) | (true, 1, 1 | 5 | 6) => Meaning::Prohibited,
            (false, 3, 0 | 6 | 11) | (true, 1, 0) => Meaning::NetUnreachable,
            (false, 3, _) | (true, 1, _) => Meaning::HostUnreachable,
            _ => Meaning::Other,
        }
    }

    /// In words: `ICMP administratively prohibited (type 3 code 13) from 10.30.0.2`.
    #[must_use]
    pub fn words(self) -> String {
        let name = match self.meaning() {
            Meaning::TimeExceeded => "time exceeded",
            Meaning::Refused => "port unreachable",
            Meaning::Prohibited => "administratively prohibited",
            Meaning::NetUnreachable => "network unreachable",
            Meaning::HostUnreachable => "host unreachable",
            Meaning::Other => "error",
        };
        let family = if self.v6 { "ICMPv6" } else { "ICMP" };
        let sender = self.sender.map_or(String::new(), |sender| format!(" from {sender}"));
        format!("{family} {name} (type {} code {}){sender}", self.kind, self.code)
    }

    /// The failure it means for a TCP connection attempt.
    #[must_use]
    pub fn tcp(self) -> Failure {
        let code = match self.meaning() {
            Meaning::Refused => Code::TcpRefused,
            Meaning::Prohibited => Code::TcpProhibited,
            Meaning::NetUnreachable => Code::TcpNetUnreachable,
            _ => Code::TcpHostUnreachable,
        };
        Failure::new(code, self.words()).with_sender(self.sender)
    }

    /// The failure it means for a datagram.
    #[must_use]
    pub fn udp(self) -> Failure {
        let code = if self.meaning() == Meaning::Refused { Code::UdpRefused } else { Code::UdpProhibited };
        Failure::new(code, self.words()).with_sender(self.sender)
    }

    /// The failure it means for an echo request.
    #[must_use]
    pub fn echo(self) -> Failure {
        Failure::new(Code::IcmpUnreachable, self.words()).with_sender(self.sender)
    }

    /// Whether our own kernel says it, about a packet from `local` to `to` that never left this machine.
    #[must_use]
    pub fn is_ours(self, local: Option<IpAddr>, to: IpAddr) -> bool {
        self.sender.is_some_and(|sender| sender != to && (Some(sender) == local || device::is_ours(sender)))
    }

    /// `failure`, which this message means, put right where our own kernel says it: a local firewall's reject, or a
    /// neighbour that does not answer. Neither names a device on the way.
    #[must_use]
    pub fn attribute(self, mut failure: Failure, local: Option<IpAddr>, to: IpAddr) -> Failure {
        if self.is_ours(local, to) {
            failure.offender = None;
            match self.meaning() {
                Meaning::Prohibited | Meaning::Refused => failure.code = Code::RouteDenied,
                _ => failure.underlying = Some(Code::TcpHostUnreachable),
            }
        }
        failure
    }
}

impl From<Message> for Icmp {
    fn from(message: Message) -> Self {
        let Message { v6, kind, code, sender, mtu } = message;
        Icmp { v6, kind, code, sender, mtu }
    }
}

/// Takes the next ICMP error that reached a socket.
pub fn take<'s>(socket: impl Into<SockRef<'s>>) -> Sight<Icmp> {
    netcheck_os::icmp::take(socket).map(Icmp::from)
}
