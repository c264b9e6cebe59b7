//! Whether an address is on a network this machine is connected to, so that no router is between.

use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

/// Whether `address` is in the network of one of this machine's interfaces.
#[must_use]
pub fn on_link(address: IpAddr) -> bool {
    getifaddrs().into_iter().flatten().any(|entry| {
        let own = entry.address.as_ref().and_then(ip);
        let mask = entry.netmask.as_ref().and_then(ip);
        matches!((own, mask), (Some(own), Some(mask)) if shares(own, mask, address))
    })
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}

fn shares(own: IpAddr, mask: IpAddr, other: IpAddr) -> bool {
    match (own, mask, other) {
        (IpAddr::V4(own), IpAddr::V4(mask), IpAddr::V4(other)) => own & mask == other & mask,
        (IpAddr::V6(own), IpAddr::V6(mask), IpAddr::V6(other)) => own & mask == other & mask,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_on_link_and_a_public_address_is_not() {
        assert!(on_link([127, 0, 0, 53].into()));
        assert!(!on_link([198, 41, 0, 4].into()));
    }

    #[test]
    fn an_address_of_the_same_network_is_on_link() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let shares = |own, mask, other| shares(address(own), address(mask), address(other));
        assert!(shares("10.9.0.2", "255.255.255.0", "10.9.0.1"));
        assert!(!shares("10.9.0.2", "255.255.255.0", "10.9.1.1"));
        assert!(shares("fd00::2", "ffff:ffff:ffff:ffff::", "fd00::1"));
        assert!(!shares("10.9.0.2", "255.255.255.0", "fd00::1"));
    }
}
