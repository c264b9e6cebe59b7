//! The interface behind a local address, and whether it is a tunnel.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::SockaddrStorage;

/// An interface of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// Whether packets that leave through it are wrapped in others: a VPN.
    pub tunnel: bool,
}

/// Names that VPN clients give their interfaces.
const TUNNELS: [&str; 13] = [
    "tun",
    "tap",
    "wg",
    "ppp",
    "utun",
    "ipsec",
    "vti",
    "xfrm",
    "zt",
    "tailscale",
    "nordlynx",
    "gpd",
    "cscotun",
];
/// `ARPHRD_NONE`, what tun devices are, and the tunnel types of linux/if_arp.h.
const KINDS: [&str; 4] = ["65534", "768", "769", "778"];

static KNOWN: Mutex<Option<HashMap<IpAddr, Link>>> = Mutex::new(None);

/// What the system lists; whether it is a tunnel is found out when someone asks.
struct Link {
    name: String,
    flags: InterfaceFlags,
    tunnel: Option<bool>,
}

/// The interface that has this address.
pub fn of(address: IpAddr) -> Option<Device> {
    // All of 127/8 is here, and only its first address is listed.
    let loopback = address.is_ipv4() && address.is_loopback();
    let address = if loopback { IpAddr::from([127, 0, 0, 1]) } else { address };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if !known.as_ref().is_some_and(|known| known.contains_key(&address)) {
        // Read again: an interface may have come up since.
        *known = Some(all());
    }
    let link = known.as_mut()?.get_mut(&address)?;
    let tunnel = *link.tunnel.get_or_insert_with(|| is_tunnel(&link.name, link.flags));
    Some(Device { name: link.name.clone(), tunnel })
}

/// Whether this is one of our own addresses: an ICMP error from ourselves names no device on the way.
pub fn is_ours(address: IpAddr) -> bool {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    // Asked of strangers all the time: the table is not read again for each of them.
    address.is_loopback() || known.get_or_insert_with(all).contains_key(&address)
}

/// Whether an interface of this machine is on the same link: no router lies between.
#[must_use]
pub fn is_on_link(address: IpAddr) -> bool {
    getifaddrs().into_iter().flatten().any(|entry| {
        let own = entry.address.and_then(ip_of);
        let mask = entry.netmask.and_then(ip_of);
        // A tunnel's interface has one address: what is behind it is not on a link.
        let is_link = !entry.flags.contains(InterfaceFlags::IFF_POINTOPOINT);
        is_link
            && own.zip(mask).is_some_and(|(own, mask)| {
                masked(address, mask).is_some_and(|net| masked(own, mask) == Some(net))
            })
    })
}

fn masked(address: IpAddr, mask: IpAddr) -> Option<u128> {
    match (address, mask) {
        (IpAddr::V4(address), IpAddr::V4(mask)) => Some(u128::from(address.to_bits() & mask.to_bits())),
        (IpAddr::V6(address), IpAddr::V6(mask)) => Some(address.to_bits() & mask.to_bits()),
        _ => None,
    }
}

fn ip_of(address: SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}

fn all() -> HashMap<IpAddr, Link> {
    let mut links = HashMap::new();
    for entry in getifaddrs().into_iter().flatten() {
        let Some(ip) = entry.address.and_then(ip_of) else { continue };
        links.insert(ip, Link { name: entry.interface_name, flags: entry.flags, tunnel: None });
    }
    links
}

fn is_tunnel(name: &str, flags: InterfaceFlags) -> bool {
    if flags.contains(InterfaceFlags::IFF_LOOPBACK) {
        return false;
    }
    let sys = Path::new("/sys/class/net").join(name);
    let kind = std::fs::read_to_string(sys.join("type")).unwrap_or_default();
    flags.contains(InterfaceFlags::IFF_POINTOPOINT)
        || TUNNELS.iter().any(|prefix| name.starts_with(prefix))
        || KINDS.contains(&kind.trim())
        || sys.join("tun_flags").exists()
}
