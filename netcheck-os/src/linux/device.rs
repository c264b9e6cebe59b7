//! Interfaces: getifaddrs(3), and what sysfs says of them.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use nix::sys::socket::SockaddrStorage;
use socket2::Socket;

use crate::device::Link;

/// `ARPHRD_NONE`, what tun devices are, and the tunnel types of linux/if_arp.h.
const KINDS: [&str; 4] = ["65534", "768", "769", "778"];

/// The interfaces of this machine.
pub(crate) fn links() -> Vec<Link> {
    let link = |entry: nix::ifaddrs::InterfaceAddress| {
        Some(Link {
            address: entry.address.and_then(ip_of)?,
            mask: entry.netmask.and_then(ip_of),
            name: entry.interface_name,
            loopback: entry.flags.contains(InterfaceFlags::IFF_LOOPBACK),
            point_to_point: entry.flags.contains(InterfaceFlags::IFF_POINTOPOINT),
        })
    };
    getifaddrs().into_iter().flatten().filter_map(link).collect()
}

pub(super) fn ip_of(address: SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}

/// Whether an interface is a tunnel.
pub(crate) fn is_tunnel(name: &str) -> bool {
    let sys = Path::new("/sys/class/net").join(name);
    let kind = std::fs::read_to_string(sys.join("type")).unwrap_or_default();
    KINDS.contains(&kind.trim()) || sys.join("tun_flags").exists()
}

/// The kernel's number of an interface.
pub(crate) fn index(name: &str) -> Option<u32> {
    if_nametoindex(name).ok()
}

/// Binds a socket to an interface (`SO_BINDTODEVICE`).
pub(crate) fn bind(socket: &Socket, name: &str) -> io::Result<()> {
    socket.bind_device(Some(name.as_bytes()))
}
