//! The interface behind a local address, and whether it is a tunnel.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use socket2::SockRef;

use crate::system;

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

static KNOWN: Mutex<Option<HashMap<IpAddr, Known>>> = Mutex::new(None);

/// An address of an interface, as the system lists it.
pub(crate) struct Link {
    pub name: String,
    pub address: IpAddr,
    pub mask: Option<IpAddr>,
    pub loopback: bool,
    pub point_to_point: bool,
}

/// What the system lists; whether it is a tunnel is found out when someone asks.
struct Known {
    link: Link,
    tunnel: Option<bool>,
}

/// The interface that has this address.
#[must_use]
pub fn of(address: IpAddr) -> Option<Device> {
    // All of 127/8 is here, and only its first address is listed.
    let loopback = address.is_ipv4() && address.is_loopback();
    let address = if loopback { IpAddr::from([127, 0, 0, 1]) } else { address };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if !known.as_ref().is_some_and(|known| known.contains_key(&address)) {
        // Read again: an interface may have come up since.
        *known = Some(all());
    }
    let Known { link, tunnel } = known.as_mut()?.get_mut(&address)?;
    let tunnel = *tunnel.get_or_insert_with(|| is_tunnel(link));
    Some(Device { name: link.name.clone(), tunnel })
}

/// Whether this is one of our own addresses: an ICMP error from ourselves names no device on the way.
#[must_use]
pub fn is_ours(address: IpAddr) -> bool {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    // Asked of strangers all the time: the table is not read again for each of them.
    address.is_loopback() || known.get_or_insert_with(all).contains_key(&address)
}

/// Whether an interface of this machine is on the same link: no router lies between.
#[must_use]
pub fn is_on_link(address: IpAddr) -> bool {
    system::device::links().into_iter().any(|link| {
        // A tunnel's interface has one address: what is behind it is not on a link.
        !link.point_to_point
            && link.mask.is_some_and(|mask| {
                masked(address, mask).is_some_and(|net| masked(link.address, mask) == Some(net))
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

fn all() -> HashMap<IpAddr, Known> {
    let known = |link: Link| (link.address, Known { link, tunnel: None });
    system::device::links().into_iter().map(known).collect()
}

fn is_tunnel(link: &Link) -> bool {
    !link.loopback
        && (link.point_to_point
            || TUNNELS.iter().any(|prefix| link.name.starts_with(prefix))
            || system::device::is_tunnel(&link.name))
}

/// The index of the interface of this name.
#[must_use]
pub fn index(name: &str) -> Option<u32> {
    system::device::index(name)
}

/// Has a socket use this interface only.
///
/// # Errors
/// What the system says.
pub fn bind<'s>(socket: impl Into<SockRef<'s>>, name: &str) -> io::Result<()> {
    system::device::bind(&socket.into(), name)
}
