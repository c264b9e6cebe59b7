//! The scheme `icmp`: echo requests, a series of them, and the path MTU.
//!
//! The socket is our own, not `surge-ping`'s: only the owner of a socket can set "do not fragment" on it and read its
//! error queue, which names who refused, for an unprivileged socket as well as for a raw one.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, SocketAddr};

use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::icmp;
use netcheck_common::net::Net;
use netcheck_common::target::Target;
use netcheck_common::tcp::leave_from;
use netcheck_common::trace::{Stopped, Trace};
use nix::libc;
use socket2::{Domain, Protocol, SockAddr, Type};
use tokio::net::UdpSocket;

use crate::check::{Udp, random};
use crate::echo::{self, HEADER, Mark};
use crate::facts::{Facts, Icmp};
use crate::quality::{Series, micros};
use crate::wire::{Heard, Wire, ask, series};
use crate::{mtu, reach};

/// ICMP echo.
const ICMP: Layer = Layer::new("icmp", Code::IcmpTimeout, Code::IcmpUnreachable, Code::IcmpUnreachable);
/// The search for the path MTU.
const MTU: Layer = Layer::new("mtu", Code::IcmpTimeout, Code::IcmpUnreachable, Code::IcmpUnreachable);
/// As much data as ping(8) sends.
const USUAL: usize = 56;

/// Checks one target.
pub async fn check(udp: &Udp, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
    let addresses = trace.addresses(target).await?;
    let net = trace.net();
    let (mut pinger, series) = trace
        .stage_within(
            ICMP,
            net.left(),
            reach::in_turn(&net, &addresses, 0, async |address| ping_one(udp, &net, address).await),
        )
        .await?;
    let fastest = series.fastest();
    trace.facts.icmp = Some(Icmp { socket: pinger.socket_type(), round_trip_us: micros(fastest) });
    if udp.series.count.is_some() {
        trace.facts.quality = series.quality();
    }
    if udp.mtu {
        let found = trace.stage_within(MTU, net.left(), mtu::search(&mut pinger, fastest, &net)).await?;
        if let Some((failure, cause)) = mtu::black_hole(&found, target) {
            trace.degrade(failure, Some(cause));
        }
        trace.facts.mtu = Some(found);
    }
    Ok(())
}

async fn ping_one(udp: &Udp, net: &Net, address: IpAddr) -> Result<(Pinger, Series), Failure> {
    let mut pinger = Pinger::open(net, address)?;
    if udp.series.count.is_some() {
        let series = train(udp, net, &mut pinger).await?;
        return Ok((pinger, series));
    }
    let (probe, number) = (pinger.maker()(0, USUAL + HEADER), pinger.reader());
    let read = |bytes: &[u8]| number(bytes).map_or(Heard::Ignored, Heard::Answer);
    let reply = ask(&mut pinger, &probe, reach::bound(net), read).await?;
    let mut series = Series::default();
    series.sent();
    series.answered(0, reply.round_trip);
    Ok((pinger, series))
}

async fn train(udp: &Udp, net: &Net, pinger: &mut Pinger) -> Result<Series, Failure> {
    let (make, read) = (pinger.maker(), pinger.reader());
    let latest = Cell::new(0);
    let probe = |number: u32| {
        latest.set(number);
        make(u16::try_from(number & 0xffff).unwrap_or_default(), USUAL + HEADER)
    };
    let number = |bytes: &[u8]| read(bytes).map(|low| whole(low, latest.get()));
    let series = series(pinger, udp.series.plan(net), probe, number).await?;
    if series.silent() {
        let detail = format!("none of {} echo requests was answered", series.count());
        return Err(Failure::new(Code::IcmpTimeout, detail));
    }
    Ok(series)
}

/// Sequence numbers have 16 bits: the number at or before the latest one that ends in these.
fn whole(low: u16, latest: u32) -> u32 {
    latest.wrapping_sub(u32::from(u16::try_from(latest & 0xffff).unwrap_or_default().wrapping_sub(low)))
}

/// A connected ICMP socket.
pub struct Pinger {
    socket: UdpSocket,
    v6: bool,
    raw: bool,
    identifier: u16,
    mark: Mark,
    /// The last packet did not fit: who said so, where it was not this machine.
    too_large: Option<Option<IpAddr>>,
}

impl Pinger {
    /// Opens a socket: the kind open to users first, the raw one where this user may have it.
    pub fn open(net: &Net, address: IpAddr) -> Result<Self, Failure> {
        let to = SocketAddr::new(address, 0);
        let (socket, raw) = match make(to, Type::DGRAM) {
            Ok(socket) => (socket, false),
            Err(_) => (make(to, Type::RAW).map_err(|_| denied())?, true),
        };
        let socket = connect(socket, net, to).map_err(|error| refused_here(&error))?;
        if let Ok(local) = socket.local_addr() {
            net.note_path(local, to);
            // There are no ports to tell of.
            net.see(|seen| {
                let path = seen.path.get_or_insert_default();
                path.address = Some(address.to_string());
                path.local = Some(local.ip().to_string());
            });
        }
        let identifier = u16::from_be_bytes(random());
        Ok(Pinger { socket, v6: address.is_ipv6(), raw, identifier, mark: random(), too_large: None })
    }

    /// `dgram` or `raw`.
    pub fn socket_type(&self) -> &'static str {
        if self.raw { "raw" } else { "dgram" }
    }

    /// Whether this is ICMPv6.
    pub fn v6(&self) -> bool {
        self.v6
    }

    /// The socket, for its options.
    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Makes echo requests of a number and length.
    pub fn maker(&self) -> impl Fn(u16, usize) -> Vec<u8> + use<> {
        let (v6, identifier, mark) = (self.v6, self.identifier, self.mark);
        move |number, length| echo::request(v6, identifier, number, mark, length)
    }

    /// Finds the number of an echo reply.
    pub fn reader(&self) -> impl Fn(&[u8]) -> Option<u16> + use<> {
        let (v6, headed, mark) = (self.v6, self.raw && !self.v6, self.mark);
        move |bytes| echo::reply(v6, headed, mark, bytes)
    }

    /// Whether the last packet did not fit, and who said so.
    pub fn take_too_large(&mut self) -> Option<Option<IpAddr>> {
        self.too_large.take()
    }

    fn failure(&mut self, error: &io::Error) -> Failure {
        if let Some(message) = icmp::take(&self.socket) {
            if matches!((message.v6, message.kind, message.code), (false, 3, 4) | (true, 2, _)) {
                self.too_large = Some(message.sender);
            }
            return Failure::new(Code::IcmpUnreachable, message.words()).from(message.sender);
        }
        match error.raw_os_error() {
            Some(libc::EMSGSIZE) => {
                self.too_large = Some(None);
                Failure::new(Code::IcmpUnreachable, "the packet is larger than the interface takes")
            }
            Some(libc::EPERM | libc::EACCES | libc::ENETUNREACH | libc::EINVAL) => refused_here(error),
            _ => Failure::new(Code::IcmpUnreachable, "ICMP unreachable"),
        }
    }
}

impl Wire for Pinger {
    const LOSSY: bool = true;

    fn silence(&self) -> Code {
        Code::IcmpTimeout
    }

    async fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        match self.socket.send(message).await {
            Ok(_) => Ok(()),
            // A queue on this machine discarded it: one more loss.
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => Ok(()),
            Err(error) => Err(self.failure(&error)),
        }
    }

    async fn receive(&mut self, buffer: &mut Vec<u8>) -> Result<(), Failure> {
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
    socket2::Socket::new(Domain::for_address(to), kind.nonblocking(), Some(protocol))
}

fn connect(socket: socket2::Socket, net: &Net, to: SocketAddr) -> io::Result<UdpSocket> {
    leave_from(&socket, net.origin(), to)?;
    icmp::listen(&socket, to.is_ipv6());
    socket.connect(&SockAddr::from(to))?;
    UdpSocket::from_std(socket.into())
}

fn denied() -> Failure {
    Failure::new(Code::IcmpNotPermitted, "this user may open neither an ICMP datagram socket nor a raw one")
}

fn refused_here(error: &io::Error) -> Failure {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => Failure::new(
            Code::RouteDenied,
            "this machine refused to send: a local firewall or a prohibited route",
        ),
        _ => Failure::new(Code::RouteNone, "this machine has no route to the address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_number_that_started_over_belongs_to_a_later_probe() {
        assert_eq!(whole(5, 7), 5);
        assert_eq!(whole(0xffff, 0x1_0002), 0xffff);
        assert_eq!(whole(1, 0x1_0002), 0x1_0001);
    }
}
