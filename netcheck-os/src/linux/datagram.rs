//! `SO_TIMESTAMPNS` (socket(7)), `IP_RECVTOS` (ip(7)) and `IPV6_RECVTCLASS` (ipv6(7)).

use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;
use std::time::Duration;

use netcheck_record::clock;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::Socket;

use crate::Sight;
use crate::datagram::Received;

pub(crate) fn listen(socket: &Socket, v6: bool) -> io::Result<()> {
    setsockopt(socket, sockopt::ReceiveTimestampns, &true)?;
    if v6 {
        setsockopt(socket, sockopt::Ipv6RecvTClass, &true)?;
    } else {
        setsockopt(socket, sockopt::IpRecvTos, &true)?;
    }
    Ok(())
}

pub(crate) fn receive(socket: &Socket, space: &mut [u8]) -> io::Result<Received> {
    let mut control = nix::cmsg_space!(nix::libc::timespec, nix::libc::c_int);
    let mut parts = [IoSliceMut::new(space)];
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty())?;
    let mut received = Received { length: message.bytes, waited: Sight::Blind, dscp: Sight::Blind };
    for told in message.cmsgs().into_iter().flatten() {
        match told {
            ControlMessageOwned::ScmTimestampns(arrived) => {
                received.waited = Sight::Seen(clock::since_epoch().saturating_sub(since_epoch(arrived)));
            }
            ControlMessageOwned::Ipv4Tos(field) => received.dscp = Sight::Seen(field >> 2),
            ControlMessageOwned::Ipv6TClass(field) => {
                received.dscp = u8::try_from(field).map_or(Sight::Blind, |field| Sight::Seen(field >> 2));
            }
            _ => {}
        }
    }
    Ok(received)
}

fn since_epoch(at: TimeSpec) -> Duration {
    let nanos = u32::try_from(at.tv_nsec()).unwrap_or_default();
    Duration::new(u64::try_from(at.tv_sec()).unwrap_or_default(), nanos)
}
