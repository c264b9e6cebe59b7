//! STUN exchanges a second: check-udp beside a bare loop, both asking the same server.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, SockaddrStorage, connect, recv, send, socket,
};

use crate::Args;
use crate::bare::IN_FLIGHT;
use crate::measure::{Run, addresses, run, turns};
use crate::stun_server::responder;
use crate::table::{Table, Wanted};

/// A Binding request without attributes (RFC 8489 section 5); the last twelve bytes are its id.
const REQUEST: [u8; 20] = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// Nothing in flight is answered for this many milliseconds: all of it is asked again, and given up after as many tries.
const WAIT: u16 = 100;
const TRIES: u8 = 30;

/// How many addresses are asked once each.
const COUNT: u32 = 50_000;

/// Binding requests to many addresses of one server.
pub(crate) fn measure(args: &Args, table: &mut Table) -> Result<(), String> {
    let port = responder().map_err(|why| why.to_string())?;
    let lines: String = (0..COUNT)
        .map(|number| Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 1)) + number))
        .map(|address| format!("stun://{address}:{port}\n"))
        .collect();
    let mut memory: f64 = 0.0;
    let ours = || {
        let run = run(args.tool("check-udp").args(["--jobs", &IN_FLIGHT.to_string()]), Some(&lines))?;
        memory = memory.max(run.memory);
        Ok(run.wall)
    };
    let theirs = || run(&mut args.alone("exchanges"), Some(&lines)).map(|run| run.wall);
    let (us, them) = turns(args.repeat, ours, theirs, |seconds| *seconds)?;
    let a_second = |seconds: f64| f64::from(COUNT) / seconds;
    let what = "STUN, 50,000 targets";
    table.ratio(what, a_second(us), ("bare loop", a_second(them)), "exchanges/s", Wanted::AtLeast(0.6));
    table.figure(&format!("{what}: peak memory"), memory, "MB", Wanted::AtMost(40.0));
    let mut client = std::process::Command::new("turnutils_stunclient");
    client.args(["-p", &port.to_string(), "127.0.0.1"]);
    match turns(args.repeat, || run(&mut client, None), || Ok(Run::default()), |run| 1.0 / run.wall) {
        Ok((one, _)) => {
            let peer = ("turnutils_stunclient, a process each", one);
            table.ratio(what, a_second(us), peer, "exchanges/s", Wanted::AtLeast(1.0));
        }
        Err(why) => table.missing(&format!("{what}, beside turnutils_stunclient"), &why),
    }
    Ok(())
}

/// What a bare loop needs for one Binding exchange with each address of standard input: a connected socket for each,
/// one epoll, one thread, and nothing written down.
///
/// # Errors
/// A socket that cannot be had, or a target that does not answer.
pub(crate) fn bare() -> Result<(), String> {
    let targets = addresses()?;
    exchanges(&targets, IN_FLIGHT).map_err(|why| why.to_string())
}

fn exchanges(targets: &[SocketAddr], in_flight: usize) -> io::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut probes: Vec<Option<OwnedFd>> = (0..in_flight).map(|_| None).collect();
    let mut free: Vec<usize> = (0..in_flight).collect();
    let mut events = vec![EpollEvent::empty(); in_flight];
    let mut left = targets.iter();
    let (mut open, mut quiet) = (0, 0);
    loop {
        while let Some(slot) = free.pop() {
            let Some(target) = left.next() else { break };
            probes[slot] = Some(ask(&epoll, *target, slot)?);
            open += 1;
        }
        if open == 0 {
            return Ok(());
        }
        let count = epoll.wait(&mut events, EpollTimeout::from(WAIT))?;
        quiet = if count == 0 { quiet + 1 } else { 0 };
        if quiet > TRIES {
            return Err(io::Error::other("a target does not answer"));
        }
        if quiet > 0 {
            ask_again(&probes)?;
        }
        for event in &events[..count] {
            let slot = usize::try_from(event.data()).map_err(io::Error::other)?;
            let Some(socket) = &probes[slot] else { continue };
            let mut answer = [0; 2048];
            let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
            if length < 20 || answer[..2] != [1, 1] || answer[16..20] != id(slot) {
                continue;
            }
            // Closing takes it out of the epoll.
            probes[slot] = None;
            free.push(slot);
            open -= 1;
        }
    }
}

fn id(slot: usize) -> [u8; 4] {
    u32::try_from(slot).unwrap_or_default().to_be_bytes()
}

fn request(slot: usize) -> [u8; 20] {
    let mut request = REQUEST;
    request[16..].copy_from_slice(&id(slot));
    request
}

fn ask(epoll: &Epoll, target: SocketAddr, slot: usize) -> io::Result<OwnedFd> {
    let family = if target.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket(family, SockType::Datagram, flags, None)?;
    connect(socket.as_raw_fd(), &SockaddrStorage::from(target))?;
    epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, slot as u64))?;
    send(socket.as_raw_fd(), &request(slot), MsgFlags::empty())?;
    Ok(socket)
}

/// Nothing came for a while: everything in flight is asked once more.
fn ask_again(probes: &[Option<OwnedFd>]) -> io::Result<()> {
    for (slot, probe) in probes.iter().enumerate() {
        if let Some(socket) = probe {
            send(socket.as_raw_fd(), &request(slot), MsgFlags::empty())?;
        }
    }
    Ok(())
}
