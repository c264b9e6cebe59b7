//! Interfaces are adapters; what a VPN client made is told by its type or its description.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use socket2::Socket;
use windows_sys::Win32::Networking::WinSock::{IP_UNICAST_IF, IPPROTO_IP, IPPROTO_IPV6, IPV6_UNICAST_IF};

use super::adapters::{self, Adapter};
use super::sockopt;
use crate::device::Link;

/// `IF_TYPE_PPP`, `IF_TYPE_SOFTWARE_LOOPBACK`, `IF_TYPE_PROP_VIRTUAL` and `IF_TYPE_TUNNEL` (ipifcons.h).
const PPP: u32 = 23;
pub(super) const LOOPBACK: u32 = 24;
const VIRTUAL: u32 = 53;
const TUNNEL: u32 = 131;

/// What VPN clients write into the descriptions of their adapters, which are of the type of a network card.
const CLIENTS: [&str; 14] = [
    "tap-windows",
    "wintun",
    "wireguard",
    "openvpn",
    "anyconnect",
    "cisco secure client",
    "pangp",
    "globalprotect",
    "fortinet",
    "juniper",
    "pulse secure",
    "check point virtual",
    "zerotier",
    "vpn",
];

pub(crate) fn links() -> Vec<Link> {
    let of = |adapter: Adapter| {
        let Adapter { name, kind, addresses, .. } = adapter;
        addresses.into_iter().map(move |(address, length)| Link {
            name: name.clone(),
            address,
            mask: Some(mask(address, length)),
            loopback: kind == LOOPBACK,
            point_to_point: matches!(kind, PPP | TUNNEL),
        })
    };
    adapters::all().into_iter().flat_map(of).collect()
}

fn mask(address: IpAddr, length: u8) -> IpAddr {
    let length = u32::from(length);
    match address {
        IpAddr::V4(_) => {
            Ipv4Addr::from_bits(u32::MAX.checked_shl(32_u32.saturating_sub(length)).unwrap_or(0)).into()
        }
        IpAddr::V6(_) => {
            Ipv6Addr::from_bits(u128::MAX.checked_shl(128_u32.saturating_sub(length)).unwrap_or(0)).into()
        }
    }
}

pub(crate) fn is_tunnel(name: &str) -> bool {
    adapters::all().iter().filter(|adapter| adapter.name == name).any(|adapter| {
        let description = adapter.description.to_lowercase();
        matches!(adapter.kind, PPP | VIRTUAL | TUNNEL)
            || CLIENTS.iter().any(|client| description.contains(client))
    })
}

/// By its name, or by its number, which link-local addresses are written with here.
pub(crate) fn index(name: &str) -> Option<u32> {
    let named = adapters::all().into_iter().find(|adapter| adapter.name.eq_ignore_ascii_case(name));
    named.map(|adapter| adapter.index).or_else(|| name.parse().ok())
}

pub(crate) fn bind(socket: &Socket, name: &str) -> io::Result<()> {
    let index = index(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    // A socket has one family, and takes the option of that one; IPv4's number is written in network byte order.
    let v6 = sockopt::set(socket, IPPROTO_IPV6, IPV6_UNICAST_IF, index);
    if v6.is_ok() { v6 } else { sockopt::set(socket, IPPROTO_IP, IP_UNICAST_IF, index.to_be()) }
}
