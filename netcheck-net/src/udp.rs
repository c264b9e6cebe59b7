//! A connected UDP socket whose ICMP errors are told with their sender.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use netcheck_os::errno::{self, Kind};
use netcheck_os::{Sense, Sight, datagram, hops, socket};
use socket2::{Domain, Protocol, SockAddr, SockRef, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::clock;
use crate::icmp;
use crate::local_limits;
use crate::tcp::{Egress, leave_from};
use netcheck_record::failure::{Code, Failure};

/// Larger than any datagram that crosses the internet in one piece.
const LARGEST: usize = 2048;

/// When a datagram arrived, and how it was marked.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When it arrived on this machine.
    pub at: Instant,
    /// Whether the system took that time; otherwise it is the time at which the datagram was read.
    pub by_system: bool,
    /// The DSCP it arrived with, where the system was asked and tells.
    pub dscp: Option<u8>,
}

impl Arrival {
    /// Now, because it is read now.
    #[must_use]
    pub fn now() -> Arrival {
        Arrival { at: clock::now(), by_system: false, dscp: None }
    }

    fn of(received: &datagram::Received) -> Arrival {
        let (now, waited) = (clock::now(), received.waited.seen());
        let at = waited.and_then(|waited| now.checked_sub(waited));
        Arrival { at: at.unwrap_or(now), by_system: at.is_some(), dscp: received.dscp.seen() }
    }

    /// How long after `sent` it arrived. A clock that was set meanwhile is not believed.
    #[must_use]
    pub fn since(&self, sent: Instant) -> Duration {
        self.at.checked_duration_since(sent).unwrap_or_else(|| sent.elapsed())
    }
}

/// A connected UDP socket with `IP_RECVERR`.
#[derive(Debug)]
pub struct Socket {
    socket: UdpSocket,
    to: SocketAddr,
    local: Option<SocketAddr>,
}

impl Socket {
    /// Opens a socket towards `to`; nothing is sent yet.
    ///
    /// # Errors
    /// `route.none` and `route.denied`, when this machine cannot or may not send there.
    pub fn open(egress: &Egress, to: SocketAddr) -> Result<Socket, Failure> {
        let opened = open(egress, to, 0);
        opened.map(|socket| Socket::of(socket, to)).map_err(|error| crate::tcp::refused_here(&error, to))
    }

    /// The same, as soon as this machine has a descriptor for it, and from a local port that other sockets may share;
    /// 0 is any.
    ///
    /// # Errors
    /// `route.none` and `route.denied`, when this machine cannot or may not send there.
    pub(crate) async fn open_in_turn(
        egress: &Egress,
        to: SocketAddr,
        local_port: u16,
    ) -> Result<Socket, Failure> {
        let opened = local_limits::retry(to, || open(egress, to, local_port)).await;
        opened.map(|socket| Socket::of(socket, to)).map_err(|error| crate::tcp::refused_here(&error, to))
    }

    fn of(socket: UdpSocket, to: SocketAddr) -> Socket {
        let local = socket.local_addr().ok();
        Socket { socket, to, local }
    }

    /// Sends one datagram, as soon as this machine's queue has room for it.
    ///
    /// # Errors
    /// `route.denied` for a local firewall, else what an earlier ICMP message said.
    pub async fn send(&self, datagram: &[u8]) -> Result<(), Failure> {
        // Without asking the event loop first: a socket that sends this little nearly always may.
        let sent = local_limits::retry(self.to, || SockRef::from(&self.socket).send(datagram)).await;
        sent.map(|_| ()).map_err(|error| self.failure(&error))
    }

    /// The same without waiting, for a last word that must not be cut off.
    ///
    /// # Errors
    /// As for [`Socket::send`].
    pub fn send_now(&self, datagram: &[u8]) -> Result<(), Failure> {
        match SockRef::from(&self.socket).send(datagram) {
            Ok(_) => Ok(()),
            // The queue is full: a loss like any other.
            Err(error) if errno::kind(&error) == Kind::Shortage => Ok(()),
            Err(error) => Err(self.failure(&error)),
        }
    }

    /// Receives one datagram.
    ///
    /// # Errors
    /// `udp.refused` and `udp.prohibited`, with the address of the device that said so.
    pub async fn recv(&self, buffer: &mut [u8]) -> Result<usize, Failure> {
        self.socket.recv(buffer).await.map_err(|error| self.failure(&error))
    }

    /// Receives one datagram of up to 2048 bytes into a buffer that is as long as it afterwards. A longer one is cut.
    ///
    /// # Errors
    /// As for [`Socket::recv`].
    pub async fn receive(&self, buffer: &mut Vec<u8>) -> Result<Arrival, Failure> {
        // An ICMP message is an event of its own, and nothing to read.
        let event = Interest::READABLE | Interest::ERROR;
        let read = || {
            // Room for the largest is needed only while it is read.
            let mut space = [0; LARGEST];
            let received = datagram::receive(&self.socket, &mut space)?;
            buffer.clear();
            buffer.extend_from_slice(&space[..received.length]);
            Ok(Arrival::of(&received))
        };
        self.socket.async_io(event, read).await.map_err(|error| self.failure(&error))
    }

    /// Our own address and port.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local
    }

    /// The peer's address and port.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.to
    }

    /// Asks the system for the time of arrival and the DSCP of what [`Socket::receive`] receives from now on.
    pub fn listen_arrivals(&self) {
        // Where the system does not tell, the time of reading is all there is.
        let _ = datagram::listen(&self.socket, self.to.is_ipv6());
    }

    /// Marks what is sent with a DSCP (RFC 2474). Where the system refuses, it is sent without.
    pub fn mark(&self, dscp: u8) {
        let _ = socket::mark(&self.socket, self.to.is_ipv6(), dscp);
    }

    /// Sets the TTL (hop limit) of what is sent.
    ///
    /// # Errors
    /// What setsockopt(2) says.
    pub fn set_ttl(&self, ttl: u8) -> io::Result<()> {
        hops::set_limit(&self.socket, self.to.is_ipv6(), ttl)
    }

    /// Receives one datagram, or the ICMP error that came instead.
    pub async fn recv_or_icmp(&self, buffer: &mut [u8]) -> Result<usize, Sight<icmp::Icmp>> {
        self.socket.recv(buffer).await.map_err(|_| icmp::take(&self.socket))
    }

    fn failure(&self, error: &io::Error) -> Failure {
        if let Sight::Seen(message) = icmp::take(&self.socket) {
            return message.attribute(message.udp(), self.local.map(|local| local.ip()), self.to.ip());
        }
        match errno::kind(error) {
            // Windows calls it a reset: a datagram socket knows no other.
            Kind::Refused | Kind::Reset => Failure::new(Code::UdpRefused, "ICMP port unreachable"),
            Kind::HostUnreachable if Sense::UdpIcmp.is_blind() => Failure::new(
                Code::UdpProhibited,
                "host unreachable: reported by ICMP, or by this machine about its neighbour",
            ),
            // ICMPv6 "prohibited" arrives as the same number as this machine's own refusal.
            Kind::Denied if Sense::UdpIcmp.is_blind() => Failure::new(
                Code::UdpProhibited,
                "prohibited: reported by ICMP, or by this machine's own firewall",
            ),
            Kind::Denied | Kind::NetUnreachable | Kind::Invalid => crate::tcp::refused_here(error, self.to),
            Kind::TooBig => Failure::new(Code::UdpProhibited, "the datagram is larger than the path takes"),
            _ => Failure::new(Code::UdpProhibited, "ICMP host unreachable"),
        }
    }
}

/// An unconnected socket of the peer's family, for a library that speaks datagrams itself.
///
/// # Errors
/// `route.none` and `route.denied`.
pub async fn unconnected(egress: &Egress, peer: IpAddr) -> Result<std::net::UdpSocket, Failure> {
    let to = SocketAddr::new(peer, 0);
    let open = || {
        let socket = socket::open(Domain::for_address(to), Type::DGRAM, Protocol::UDP)?;
        leave_from(&socket, egress, to)?;
        if egress.source.is_none_or(|source| source.is_ipv6() != peer.is_ipv6()) {
            let any: IpAddr =
                if peer.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
            socket.bind(&SockAddr::from(SocketAddr::new(any, 0)))?;
        }
        Ok(socket.into())
    };
    local_limits::retry(to, open).await.map_err(|error: io::Error| crate::tcp::refused_here(&error, to))
}

fn open(egress: &Egress, to: SocketAddr, local_port: u16) -> io::Result<UdpSocket> {
    let socket = socket::open(Domain::for_address(to), Type::DGRAM, Protocol::UDP)?;
    if local_port == 0 {
        leave_from(&socket, egress, to)?;
    } else {
        socket.set_reuse_address(true)?;
        leave_from(&socket, &Egress { source: None, ..egress.clone() }, to)?;
        let any: IpAddr =
            if to.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        let from = egress.source.filter(|source| source.is_ipv6() == to.is_ipv6()).unwrap_or(any);
        socket.bind(&SockAddr::from(SocketAddr::new(from, local_port)))?;
    }
    icmp::listen(&socket, to.is_ipv6());
    socket.connect(&SockAddr::from(to))?;
    UdpSocket::from_std(socket.into())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the peers of these tests open sockets of their own")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;

    #[test]
    fn an_icmp_message_ends_the_wait_though_nothing_more_is_sent() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let idle = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let asked = async || {
                let socket = Socket::open(&Egress::default(), idle).unwrap();
                socket.send(b"question").await.unwrap();
                socket
            };
            let patience = Duration::from_secs(20);
            let (mut bytes, mut space) = (Vec::new(), [0; 64]);
            let socket = asked().await;
            let received = clock::within(patience, socket.receive(&mut bytes)).await;
            assert_eq!(received.unwrap().unwrap_err().code, Code::UdpRefused);
            let socket = asked().await;
            let received = clock::within(patience, socket.recv(&mut space)).await;
            assert_eq!(received.unwrap().unwrap_err().code, Code::UdpRefused);
            let socket = asked().await;
            let received = clock::within(patience, socket.recv_or_icmp(&mut space)).await;
            assert!(received.unwrap().unwrap_err().seen().is_some());
        });
    }

    #[test]
    fn a_datagram_is_received_whole_after_one_that_was_longer() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let socket = Socket::open(&Egress::default(), peer.local_addr().unwrap()).unwrap();
            let mut bytes = Vec::new();
            for (sent, kept) in [(3000, LARGEST), (5, 5), (0, 0)] {
                peer.send_to(&vec![7; sent], socket.local_addr().unwrap()).unwrap();
                socket.receive(&mut bytes).await.unwrap();
                assert_eq!(bytes, vec![7; kept]);
            }
        });
    }
}
