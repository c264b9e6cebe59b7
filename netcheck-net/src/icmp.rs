//! The error queue of a socket: which ICMP message ended it, and who sent it (Linux `IP_RECVERR`, ip(7)).

use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};

use crate::device;
use netcheck_record::failure::{Code, Failure};

/// `SO_EE_ORIGIN_ICMP` and `SO_EE_ORIGIN_ICMP6` (linux/errqueue.h).
const ORIGINS: [u8; 2] = [2, 3];

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

/// Asks the kernel to queue ICMP errors on this socket.
pub fn listen(socket: &impl AsFd, v6: bool) {
    set(socket, v6, true);
}

/// Stops that: stray ICMP errors must not break a stream that stands.
pub fn ignore(socket: &impl AsFd, v6: bool) {
    set(socket, v6, false);
}

fn set(socket: &impl AsFd, v6: bool, on: bool) {
    // Where the kernel lacks the option the errno still tells most of it.
    let _ = if v6 {
        setsockopt(socket, sockopt::Ipv6RecvErr, &on)
    } else {
        setsockopt(socket, sockopt::Ipv4RecvErr, &on)
    };
}

/// Takes the next ICMP error off the queue.
pub fn take(socket: &impl AsRawFd) -> Option<Icmp> {
    let mut payload = [0u8; 512];
    let mut space = nix::cmsg_space!(nix::libc::sock_extended_err, nix::libc::sockaddr_in6, [u64; 8]);
    // A queue also holds local errors; a few steps find the ICMP one.
    for _ in 0..4 {
        let mut parts = [IoSliceMut::new(&mut payload)];
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let message =
            recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags).ok()?;
        for control in message.cmsgs().ok()? {
            let (v6, error, sender) = match control {
                ControlMessageOwned::Ipv4RecvErr(error, sender) => {
                    let sender = sender
                        .filter(|sender| i32::from(sender.sin_family) == nix::libc::AF_INET)
                        .map(|sender| IpAddr::V4(Ipv4Addr::from(u32::from_be(sender.sin_addr.s_addr))));
                    (false, error, sender)
                }
                ControlMessageOwned::Ipv6RecvErr(error, sender) => {
                    let sender = sender
                        .filter(|sender| i32::from(sender.sin6_family) == nix::libc::AF_INET6)
                        .map(|sender| IpAddr::V6(Ipv6Addr::from(sender.sin6_addr.s6_addr)));
                    (true, error, sender)
                }
                _ => continue,
            };
            if ORIGINS.contains(&error.ee_origin) {
                let too_big = matches!((v6, error.ee_type, error.ee_code), (false, 3, 4) | (true, 2, _));
                let mtu = too_big.then_some(error.ee_info);
                return Some(Icmp { v6, kind: error.ee_type, code: error.ee_code, sender, mtu });
            }
        }
    }
    None
}
