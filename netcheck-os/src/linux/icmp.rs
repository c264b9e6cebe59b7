//! The error queue of a socket (`IP_RECVERR`, `IPV6_RECVERR`: ip(7), ipv6(7)), and path MTU discovery.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use socket2::Socket;

use crate::icmp::Message;

/// `SO_EE_ORIGIN_ICMP` and `SO_EE_ORIGIN_ICMP6` (linux/errqueue.h).
const ORIGINS: [u8; 2] = [2, 3];

/// Turns the error queue of a socket on or off (`IP_RECVERR`).
pub(crate) fn listen(socket: &Socket, v6: bool, on: bool) -> io::Result<()> {
    let set = if v6 {
        setsockopt(socket, sockopt::Ipv6RecvErr, &on)
    } else {
        setsockopt(socket, sockopt::Ipv4RecvErr, &on)
    };
    set.map_err(io::Error::from)
}

/// Takes the next ICMP error of the error queue.
pub(crate) fn take(socket: &Socket) -> Option<Message> {
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
                return Some(Message { v6, kind: error.ee_type, code: error.ee_code, sender, mtu });
            }
        }
    }
    None
}

mod option {
    //! `IP_MTU_DISCOVER` and `IPV6_MTU_DISCOVER` (ip(7), ipv6(7)), which no crate offers ready-made.
    use nix::libc;
    use nix::sys::socket::sockopt::SetStruct;

    /// `IP_MTU_DISCOVER`.
    #[derive(Clone, Copy, Debug)]
    pub struct Discover;
    nix::setsockopt_impl!(Discover, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, i32, SetStruct<i32>);

    /// `IPV6_MTU_DISCOVER`.
    #[derive(Clone, Copy, Debug)]
    pub struct Discover6;
    nix::setsockopt_impl!(Discover6, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, i32, SetStruct<i32>);

    /// `IP_PMTUDISC_PROBE`: set DF, and do not shorten by what the kernel already knows.
    pub const PROBE: i32 = libc::IP_PMTUDISC_PROBE;
}

/// Sends with Don't Fragment, without the kernel's own path MTU (`IP_PMTUDISC_PROBE`).
pub(crate) fn do_not_fragment(socket: &Socket, v6: bool) -> io::Result<()> {
    let set = if v6 {
        setsockopt(socket, option::Discover6, &option::PROBE)
    } else {
        setsockopt(socket, option::Discover, &option::PROBE)
    };
    set.map_err(io::Error::from)
}
