//! One TCP connection attempt, and what its end means.

use std::io;
use std::net::{IpAddr, SocketAddr};

use nix::libc;
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
    pub icmp: Option<icmp::Icmp>,
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
        Err(error) => Err(Refusal { failure: refused_here(&error, to), icmp: None }),
    }
}

fn start(egress: &Egress, to: SocketAddr, options: ProbeOptions) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    leave_from(&socket, egress, to)?;
    set_options(&socket, to.is_ipv6(), options)?;
    icmp::listen(&socket, to.is_ipv6());
    match socket.connect(&SockAddr::from(to)) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
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
        let socket = Socket::new(Domain::for_address(to), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
        leave_from(&socket, egress, to)?;
        match socket.connect(&SockAddr::from(to)) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Ok(Some(error)),
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
        socket.bind_device(Some(interface.as_bytes()))?;
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
        if v6 {
            socket.set_unicast_hops_v6(u32::from(ttl))?;
        } else {
            socket.set_ttl_v4(u32::from(ttl))?;
        }
    }
    if let Some(segment) = options.segment {
        socket.set_tcp_mss(segment)?;
    }
    match options.min_ttl {
        Some(least) => accept_from(socket, v6, least),
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
        if failed.is_some() || icmp.is_some() {
            break (failed, icmp);
        }
        // Nothing has happened yet: wait for the next event.
        let _ = stream.try_io(Interest::WRITABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
    };
    if let Some(message) = icmp {
        let failure = message.attribute(message.tcp(), local.map(|local| local.ip()), to.ip());
        return Err(Refusal { failure, icmp });
    }
    let (code, detail) = match error.as_ref().and_then(io::Error::raw_os_error) {
        Some(libc::ECONNREFUSED) => (Code::TcpRefused, "the SYN was answered by RST"),
        Some(libc::ECONNRESET | libc::EPIPE) => {
            (Code::TcpReset, "the connection was reset as soon as it opened")
        }
        Some(libc::ENETUNREACH) => (Code::TcpNetUnreachable, "network unreachable"),
        Some(libc::EHOSTUNREACH) => {
            (Code::TcpHostUnreachable, "host unreachable: the neighbour does not answer")
        }
        Some(libc::EACCES | libc::EPERM) => (Code::RouteDenied, "this machine refused to send"),
        _ => (Code::TcpTimeout, "the SYN was never answered"),
    };
    Err(Refusal { failure: Failure::new(code, detail), icmp: None })
}

fn connected(stream: TcpStream, to: SocketAddr, local: Option<SocketAddr>) -> Result<TcpStream, Refusal> {
    // A port of our own choosing may be the very port we call: a connection with ourselves proves nothing.
    if local == Some(to) {
        let failure = Failure::new(Code::TcpRefused, "nothing listens: the socket met itself");
        return Err(Refusal { failure, icmp: None });
    }
    icmp::ignore(&stream, to.is_ipv6());
    // Nagle's delay would be counted into the stages above.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// The failure when connect() itself said no: nothing has left this machine.
pub fn refused_here(error: &io::Error, to: SocketAddr) -> Failure {
    let (code, detail) = match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => (
            Code::RouteDenied,
            "this machine refused to send: a local firewall, or a routing rule (ip rule, ip route) that prohibits it",
        ),
        Some(libc::EINVAL) => (
            Code::RouteNone,
            "a routing rule (ip rule, ip route) of this machine discards what is sent there",
        ),
        Some(libc::ECONNREFUSED) => (Code::TcpRefused, "the SYN was answered by RST"),
        Some(libc::ENODEV) => (Code::RouteNone, "there is no such interface"),
        _ => (Code::RouteNone, "this machine has no route to the address"),
    };
    let family = if to.is_ipv6() { "IPv6" } else { "IPv4" };
    Failure::new(code, format!("{detail} ({family})"))
}

mod option {
    //! The two socket options, which no crate offers ready-made (ip(7), ipv6(7)).
    use nix::libc;
    use nix::sys::socket::sockopt::SetStruct;

    /// `IP_MINTTL`.
    #[derive(Clone, Copy, Debug)]
    pub struct MinTtl;
    nix::setsockopt_impl!(MinTtl, libc::IPPROTO_IP, libc::IP_MINTTL, i32, SetStruct<i32>);

    /// `IPV6_MINHOPCOUNT`.
    #[derive(Clone, Copy, Debug)]
    pub struct MinHops;
    nix::setsockopt_impl!(MinHops, libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT, i32, SetStruct<i32>);
}

/// Accepts only what has this TTL left.
///
/// # Errors
/// What setsockopt(2) says.
pub fn accept_from(socket: &Socket, v6: bool, least: u8) -> io::Result<()> {
    let least = i32::from(least);
    let set = if v6 {
        nix::sys::socket::setsockopt(socket, option::MinHops, &least)
    } else {
        nix::sys::socket::setsockopt(socket, option::MinTtl, &least)
    };
    set.map_err(io::Error::from)
}
