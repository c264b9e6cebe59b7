//! One TCP connection attempt, and what its end means.

use std::io;
use std::net::{IpAddr, SocketAddr};

use netcheck_os::errno::{self, Kind};
use netcheck_os::{Sense, Sight, device, hops, segment, socket};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::icmp;
use crate::local_limits;
use netcheck_record::failure::{Code, Failure};

/// From where packets leave.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    /// `--interface`.
    pub interface: Option<String>,
    /// `--source`.
    pub source: Option<IpAddr>,
}

/// Options of an attempt that measures distances.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProbeOptions {
    /// The TTL (hop limit) of what we send: the packet dies after this many hops.
    pub ttl: Option<u8>,
    /// The smallest TTL (hop limit) of what we accept: answers from farther away are discarded.
    pub min_ttl: Option<u8>,
    /// The largest segment both sides may send (TCP_MAXSEG).
    pub segment: Option<u32>,
}

/// Why an attempt failed, with what the diagnosis needs besides.
#[derive(Debug)]
pub struct Refusal {
    /// For the record.
    pub failure: Failure,
    /// The ICMP message, where one came.
    pub icmp: Sight<icmp::Icmp>,
}

/// Tries once, and tells nobody where from.
///
/// # Errors
/// What came of it instead of a connection.
pub async fn attempt(egress: &Egress, to: SocketAddr, options: ProbeOptions) -> Result<TcpStream, Refusal> {
    attempt_noting(egress, to, options, |_| {}).await
}

/// Tries once. Lack of descriptors, ports or memory is waited out; silence lasts until the caller gives up.
/// `note` learns our own address as soon as the SYN is out: a firewall's log is searched by it.
///
/// # Errors
/// What came of it instead of a connection.
pub async fn attempt_noting(
    egress: &Egress,
    to: SocketAddr,
    options: ProbeOptions,
    note: impl Fn(SocketAddr),
) -> Result<TcpStream, Refusal> {
    match local_limits::retry(to, || start(egress, to, options)).await {
        Ok(stream) => {
            let local = stream.local_addr().ok();
            local.into_iter().for_each(note);
            finish(stream, to, local).await
        }
        Err(error) => Err(Refusal { failure: refused_here(&error, to), icmp: Sight::Nothing }),
    }
}

fn start(egress: &Egress, to: SocketAddr, options: ProbeOptions) -> io::Result<TcpStream> {
    let socket = socket::open(Domain::for_address(to), Type::STREAM, Protocol::TCP)?;
    leave_from(&socket, egress, to)?;
    set_options(&socket, to.is_ipv6(), options)?;
    icmp::listen(&socket, to.is_ipv6());
    match socket.connect(&SockAddr::from(to)) {
        Ok(()) => {}
        Err(error) if errno::kind(&error) == Kind::InProgress => {}
        Err(error) => return Err(error),
    }
    // Registered after connect(): an unconnected socket would report a hang-up at once.
    TcpStream::from_std(socket.into())
}

/// Whether a SYN is refused before connect(2) returns: by this machine, or by something very near. It waits for nothing, so
/// that little else happens on this machine meanwhile.
#[must_use]
pub fn is_refused_at_once(egress: &Egress, to: SocketAddr) -> bool {
    let begin = || {
        let socket = socket::open(Domain::for_address(to), Type::STREAM, Protocol::TCP)?;
        leave_from(&socket, egress, to)?;
        match socket.connect(&SockAddr::from(to)) {
            Err(error) if errno::kind(&error) != Kind::InProgress => Ok(Some(error)),
            _ => socket.take_error(),
        }
    };
    let ended: io::Result<Option<io::Error>> = begin();
    ended.ok().flatten().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// Binds a socket to the interface and address the user named.
///
/// # Errors
/// What bind(2) and setsockopt(2) say.
pub fn leave_from(socket: &Socket, egress: &Egress, to: SocketAddr) -> io::Result<()> {
    if let Some(interface) = &egress.interface {
        device::bind(socket, interface)?;
    }
    match egress.source {
        Some(source) if source.is_ipv6() == to.is_ipv6() => {
            socket.bind(&SockAddr::from(SocketAddr::new(source, 0)))
        }
        _ => Ok(()),
    }
}

fn set_options(socket: &Socket, v6: bool, options: ProbeOptions) -> io::Result<()> {
    if let Some(ttl) = options.ttl {
        hops::set_limit(socket, v6, ttl)?;
    }
    if let Some(segment) = options.segment {
        segment::set_largest(socket, segment)?;
    }
    match options.min_ttl {
        // Without it the answer's distance stays unknown, and whoever asked for it asks the sense first.
        Some(least) => match hops::accept_from(socket, v6, least) {
            Sight::Seen(()) => Ok(()),
            Sight::Nothing | Sight::Blind => Err(io::ErrorKind::Unsupported.into()),
        },
        None => Ok(()),
    }
}

async fn finish(stream: TcpStream, to: SocketAddr, local: Option<SocketAddr>) -> Result<TcpStream, Refusal> {
    let (error, icmp) = loop {
        let failed = match stream.writable().await {
            Ok(()) => stream.take_error().unwrap_or_else(Some),
            Err(error) => Some(error),
        };
        // An ICMP error that arrives while connect() still holds the socket is only queued: the socket then shows an
        // event and no error, and is not connected all the same.
        if failed.is_none() && stream.peer_addr().is_ok() {
            return connected(stream, to, local);
        }
        let icmp = icmp::take(&stream);
        if failed.is_some() || icmp.seen().is_some() {
            break (failed, icmp);
        }
        // Nothing has happened yet: wait for the next event.
        let _ = stream.try_io(Interest::WRITABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
    };
    if let Sight::Seen(message) = icmp {
        let failure = message.attribute(message.tcp(), local.map(|local| local.ip()), to.ip());
        return Err(Refusal { failure, icmp });
    }
    let failure = match error.as_ref().map(errno::kind) {
        Some(Kind::Refused) => refused(icmp),
        Some(Kind::Reset) => Failure::new(Code::TcpReset, "the connection was reset as soon as it opened"),
        Some(Kind::NetUnreachable) => Failure::new(Code::TcpNetUnreachable, "network unreachable"),
        Some(Kind::HostUnreachable) => unreachable(icmp),
        // ICMPv6 "prohibited" arrives as the same number as this machine's own refusal.
        Some(Kind::Denied) if icmp.is_blind() => Failure::new(
            Code::TcpProhibited,
            "prohibited: reported by ICMP, or by this machine's own firewall",
        ),
        Some(Kind::Denied) => Failure::new(Code::RouteDenied, "this machine refused to send"),
        _ => Failure::new(Code::TcpTimeout, "the SYN was never answered"),
    };
    Err(Refusal { failure, icmp })
}

/// A refusal without an ICMP message is a RST, where the system tells of ICMP.
fn refused(icmp: Sight<icmp::Icmp>) -> Failure {
    let detail = if icmp.is_blind() {
        "the connection was refused, by RST or by ICMP port unreachable"
    } else {
        "the SYN was answered by RST"
    };
    Failure::new(Code::TcpRefused, detail)
}

/// Without an ICMP message it is this machine that says so, where the system tells of ICMP.
fn unreachable(icmp: Sight<icmp::Icmp>) -> Failure {
    let detail = if icmp.is_blind() {
        "host unreachable: reported by ICMP, or by this machine about its neighbour"
    } else {
        "host unreachable: the neighbour does not answer"
    };
    Failure::new(Code::TcpHostUnreachable, detail)
}

fn connected(stream: TcpStream, to: SocketAddr, local: Option<SocketAddr>) -> Result<TcpStream, Refusal> {
    // A port of our own choosing may be the very port we call: a connection with ourselves proves nothing.
    if local == Some(to) {
        let failure = Failure::new(Code::TcpRefused, "nothing listens: the socket met itself");
        return Err(Refusal { failure, icmp: Sight::Nothing });
    }
    icmp::ignore(&stream, to.is_ipv6());
    // Nagle's delay would be counted into the stages above.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// The failure when connect() itself said no: nothing has left this machine.
pub fn refused_here(error: &io::Error, to: SocketAddr) -> Failure {
    let (code, detail) = match errno::kind(error) {
        Kind::Denied => (
            Code::RouteDenied,
            "this machine refused to send: a local firewall, or a routing rule (ip rule, ip route) that prohibits it",
        ),
        Kind::Invalid => (
            Code::RouteNone,
            "a routing rule (ip rule, ip route) of this machine discards what is sent there",
        ),
        Kind::Refused if Sense::TcpIcmp.is_blind() => {
            (Code::TcpRefused, "the connection was refused, by RST or by ICMP port unreachable")
        }
        Kind::Refused => (Code::TcpRefused, "the SYN was answered by RST"),
        Kind::NoDevice => (Code::RouteNone, "there is no such interface"),
        _ => (Code::RouteNone, "this machine has no route to the address"),
    };
    let family = if to.is_ipv6() { "IPv6" } else { "IPv4" };
    Failure::new(code, format!("{detail} ({family})"))
}
