//! A STUN server on every address of this machine, for check-udp and the bare loop alike.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd};
use std::thread;

use nix::libc::in_pktinfo;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, SockaddrIn, bind,
    getsockname, recvmsg, sendmsg, setsockopt, socket, sockopt,
};

/// A STUN server on every IPv4 address of this machine: answers from the address that was asked, on a thread of its
/// own, until the process ends. Returns its port.
///
/// # Errors
/// The socket cannot be had.
pub(crate) fn responder() -> io::Result<u16> {
    let server = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&server, sockopt::Ipv4PacketInfo, &true)?;
    // As many as are asked at once wait here; more than the system allows is cut to what it allows.
    setsockopt(&server, sockopt::RcvBuf, &(4 << 20))?;
    bind(server.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)))?;
    let port = getsockname::<SockaddrIn>(server.as_raw_fd())?.port();
    thread::spawn(move || while answer(&server).is_ok() {});
    Ok(port)
}

/// Answers one request with the address it came from (XOR-MAPPED-ADDRESS, RFC 8489 section 14.2).
fn answer(server: &impl AsFd) -> io::Result<()> {
    let server = server.as_fd().as_raw_fd();
    let mut request = [0; 64];
    let mut space = nix::cmsg_space!(in_pktinfo);
    let (length, peer, asked) = {
        let mut parts = [IoSliceMut::new(&mut request)];
        let message = recvmsg::<SockaddrIn>(server, &mut parts, Some(&mut space), MsgFlags::empty())?;
        let asked = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::Ipv4PacketInfo(info) => Some(info.ipi_addr),
            _ => None,
        });
        (message.bytes, message.address, asked)
    };
    let (Some(peer), Some(asked), true) = (peer, asked, length >= 20) else { return Ok(()) };
    let mut answer = [0; 32];
    answer[..20].copy_from_slice(&request[..20]);
    (answer[0], answer[3]) = (1, 12);
    answer[20..26].copy_from_slice(&[0, 0x20, 0, 8, 0, 1]);
    let port = (peer.port() ^ 0x2112).to_be_bytes();
    let ip = (u32::from(peer.ip()) ^ 0x2112_a442).to_be_bytes();
    answer[26..28].copy_from_slice(&port);
    answer[28..].copy_from_slice(&ip);
    let from = in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: asked, ipi_addr: asked };
    let control = [ControlMessage::Ipv4PacketInfo(&from)];
    // A peer that has gone is no matter.
    let _ = sendmsg(server, &[IoSlice::new(&answer)], &control, MsgFlags::empty(), Some(&peer));
    Ok(())
}
