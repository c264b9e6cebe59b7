//! ICMP messages to a socket stay unseen; "do not fragment" is an option.

use std::io;

use socket2::Socket;
use windows_sys::Win32::Networking::WinSock::{IP_DONTFRAGMENT, IPPROTO_IP, IPPROTO_IPV6, IPV6_DONTFRAG};

use super::sockopt;
pub(crate) use crate::blind::icmp::{listen, take};

pub(crate) fn do_not_fragment(socket: &Socket, v6: bool) -> io::Result<()> {
    if v6 {
        sockopt::set(socket, IPPROTO_IPV6, IPV6_DONTFRAG, 1)
    } else {
        sockopt::set(socket, IPPROTO_IP, IP_DONTFRAGMENT, 1)
    }
}
