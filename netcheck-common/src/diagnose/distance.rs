//! Distances without privileges.

use std::io;

use socket2::Socket;

mod option {
    //! `IP_MINTTL` and `IPV6_MINHOPCOUNT` (ip(7), ipv6(7)), which no crate offers ready-made.
    use nix::libc;

    /// `IP_MINTTL`.
    #[derive(Clone, Copy, Debug)]
    pub struct MinTtl;
    nix::setsockopt_impl!(MinTtl, libc::IPPROTO_IP, libc::IP_MINTTL, i32, nix::sys::socket::sockopt::SetStruct<i32>);

    /// `IPV6_MINHOPCOUNT`.
    #[derive(Clone, Copy, Debug)]
    pub struct MinHops;
    nix::setsockopt_impl!(MinHops, libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT, i32, nix::sys::socket::sockopt::SetStruct<i32>);
}

/// Accepts only what has this TTL left: what travelled farther is discarded by the kernel.
pub fn accept_from(socket: &Socket, v6: bool, least: u8) -> io::Result<()> {
    let least = i32::from(least);
    let set = if v6 {
        nix::sys::socket::setsockopt(socket, option::MinHops, &least)
    } else {
        nix::sys::socket::setsockopt(socket, option::MinTtl, &least)
    };
    set.map_err(io::Error::from)
}
