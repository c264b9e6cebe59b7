//! `IP_MINTTL` and `IPV6_MINHOPCOUNT` (ip(7), ipv6(7)).

use std::io;

use nix::sys::socket::setsockopt;
use socket2::Socket;

mod option {
    //! The two socket options, which no crate offers ready-made.
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

pub(crate) fn accept_from(socket: &Socket, v6: bool, least: u8) -> io::Result<()> {
    let least = i32::from(least);
    let set = if v6 {
        setsockopt(socket, option::MinHops, &least)
    } else {
        setsockopt(socket, option::MinTtl, &least)
    };
    set.map_err(io::Error::from)
}
