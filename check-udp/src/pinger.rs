//! An ICMP socket of our own, for what `surge-ping`'s cannot do: only the owner of a socket can set "do not fragment"
//! on it (`--mtu`) and read its error queue, which names who refused, to an unprivileged socket as well as to a raw one.

use std::io;
use std::net::{IpAddr, SocketAddr};

use netcheck_common::failure::{Code, Failure};
use netcheck_common::icmp;
use netcheck_common::net::Net;
use netcheck_common::os::errno::{self, Kind};
use netcheck_common::os::{Sense, Sight};
use netcheck_common::tcp::leave_from;
use socket2::{Domain, Protocol, SockAddr, Type};
use tokio::net::UdpSocket;

use crate::echo::{self, Mark};
use crate::random::random;

/// A connected ICMP socket with `IP_RECVERR`.
pub struct Pinger {
    socket: UdpSocket,
    to: IpAddr,
    raw: bool,
    identifier: u16,
    mark: Mark,
    /// The last packet did not fit: the router that reported it, where it was not this machine.
    too_large: Option<Option<IpAddr>>,
}

impl Pinger {
    /// Opens a socket: the kind open to users first, the raw one where this user may have it.
    pub fn open(net: &Net, address: IpAddr) -> Result<Self, Failure> {
        if Sense::Ping.is_blind() {
            return Err(denied());
        }
        let to = SocketAddr::new(address, 0);
        let (socket, raw) = match make(to, Type::DGRAM) {
            Ok(socket) => (socket, false),
            Err(_) => (make(to, Type::RAW).map_err(|_| denied())?, true),
        };
        let socket = connect(socket, net, to).map_err(|error| refused_here(&error))?;
        let identifier = u16::from_be_bytes(random());
        Ok(Pinger { socket, to: address, raw, identifier, mark: random(), too_large: None })
    }

    /// Whether this is ICMPv6.
    pub fn v6(&self) -> bool {
        self.to.is_ipv6()
    }

    /// The socket, for its options.
    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Makes echo requests of a number and length.
    pub fn maker(&self) -> impl Fn(u16, usize) -> Vec<u8> + use<> {
        let (v6, identifier, mark) = (self.v6(), self.identifier, self.mark);
        move |number, length| echo::request(v6, identifier, number, mark, length)
    }

    /// Finds the number of an echo reply.
    pub fn reader(&self) -> impl Fn(&[u8]) -> Option<u16> + use<> {
        let (v6, headed, mark) = (self.v6(), self.raw && !self.v6(), self.mark);
        move |bytes| echo::reply(v6, headed, mark, bytes)
    }

    /// Whether the last packet did not fit, and which router reported it.
    pub fn take_too_large(&mut self) -> Option<Option<IpAddr>> {
        self.too_large.take()
    }

    fn failure(&mut self, error: &io::Error) -> Failure {
        if let Sight::Seen(message) = icmp::take(&self.socket) {
            if matches!((message.v6, message.kind, message.code), (false, 3, 4) | (true, 2, _)) {
                self.too_large = Some(message.sender);
            }
            let local = self.socket.local_addr().ok().map(|local| local.ip());
            return message.attribute(message.echo(), local, self.to);
        }
        match errno::kind(error) {
            Kind::TooBig => {
                self.too_large = Some(None);
                Failure::new(Code::IcmpUnreachable, "the packet is larger than the interface takes")
            }
            // ICMPv6 "prohibited" arrives as the same number as this machine's own refusal.
            Kind::Denied if Sense::UdpIcmp.is_blind() => Failure::new(
                Code::IcmpUnreachable,
                "prohibited: reported by ICMP, or by this machine's own firewall",
            ),
            Kind::Denied | Kind::NetUnreachable | Kind::Invalid => refused_here(error),
            _ => Failure::new(Code::IcmpUnreachable, "ICMP unreachable"),
        }
    }

    /// Sends one message.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        match self.socket.send(message).await {
            Ok(_) => Ok(()),
            // A queue on this machine discarded it: one more loss.
            Err(error) if errno::kind(&error) == Kind::Shortage => Ok(()),
            Err(error) => Err(self.failure(&error)),
        }
    }

    /// Receives one message into `buffer`. Nothing is lost when the wait is cut short.
    pub async fn receive(&mut self, buffer: &mut Vec<u8>) -> Result<(), Failure> {
        buffer.resize(2048, 0);
        match self.socket.recv(buffer).await {
            Ok(length) => {
                buffer.truncate(length);
                Ok(())
            }
            Err(error) => Err(self.failure(&error)),
        }
    }
}

fn make(to: SocketAddr, kind: Type) -> io::Result<socket2::Socket> {
    let protocol = if to.is_ipv6() { Protocol::ICMPV6 } else { Protocol::ICMPV4 };
    netcheck_common::os::socket::open(Domain::for_address(to), kind, protocol)
}

fn connect(socket: socket2::Socket, net: &Net, to: SocketAddr) -> io::Result<UdpSocket> {
    leave_from(&socket, net.egress(), to)?;
    icmp::listen(&socket, to.is_ipv6());
    socket.connect(&SockAddr::from(to))?;
    UdpSocket::from_std(socket.into())
}

/// Neither kind of socket is open to this user.
pub fn denied() -> Failure {
    Failure::new(Code::IcmpNotPermitted, "this user may open neither an ICMP datagram socket nor a raw one")
}

/// What it means that this machine would not send.
pub fn refused_here(error: &io::Error) -> Failure {
    match errno::kind(error) {
        Kind::Denied => Failure::new(
            Code::RouteDenied,
            "this machine refused to send: a local firewall or a prohibited route",
        ),
        _ => Failure::new(Code::RouteNone, "this machine has no route to the address"),
    }
}
