//! Interfaces (getifaddrs(3)), and the routes of proc_net(5).

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

use super::device::ip_of;
use crate::network::{Interface, Route};

pub(crate) fn interfaces() -> Vec<Interface> {
    let mut interfaces: Vec<Interface> = Vec::new();
    for entry in getifaddrs().into_iter().flatten() {
        let name = entry.interface_name;
        let at = interfaces.iter().position(|known| known.name == name).unwrap_or_else(|| {
            interfaces.push(Interface {
                name,
                loopback: entry.flags.contains(InterfaceFlags::IFF_LOOPBACK),
                up: entry.flags.contains(InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING),
                addresses: Vec::new(),
            });
            interfaces.len() - 1
        });
        interfaces[at].addresses.extend(entry.address.and_then(ip_of));
    }
    interfaces
}

pub(crate) fn default_route(v6: bool) -> Option<Route> {
    let text = |path| fs::read_to_string(path).unwrap_or_default();
    if v6 { default_ipv6(&text("/proc/net/ipv6_route")) } else { default_ipv4(&text("/proc/net/route")) }
}

/// The table of proc_net(5): hexadecimal numbers in host order.
fn default_ipv4(text: &str) -> Option<Route> {
    let routes = text.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (name, gateway, mask) = (fields.first()?, fields.get(2)?, fields.get(7)?);
        let flags = u16::from_str_radix(fields.get(3)?, 16).ok()?;
        let up = *fields.get(1)? == "00000000" && *mask == "00000000" && flags & 1 == 1;
        let gateway = Ipv4Addr::from(u32::from_str_radix(gateway, 16).ok()?.to_ne_bytes());
        let metric: u32 = fields.get(6)?.parse().ok()?;
        up.then(|| (metric, route(IpAddr::V4(gateway), name)))
    });
    routes.min_by_key(|(metric, _)| *metric).map(|(_, route)| route)
}

fn default_ipv6(text: &str) -> Option<Route> {
    let routes = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let zero = "00000000000000000000000000000000";
        let name = fields.get(9)?;
        let unreachable = u32::from_str_radix(fields.get(8)?, 16).ok()? & 0x200 != 0;
        if *fields.first()? != zero || *fields.get(1)? != "00" || *name == "lo" || unreachable {
            return None;
        }
        let gateway = Ipv6Addr::from(u128::from_str_radix(fields.get(4)?, 16).ok()?);
        let metric = u32::from_str_radix(fields.get(5)?, 16).ok()?;
        Some((metric, route(IpAddr::V6(gateway), name)))
    });
    routes.min_by_key(|(metric, _)| *metric).map(|(_, route)| route)
}

fn route(gateway: IpAddr, name: &str) -> Route {
    let gateway = Some(gateway).filter(|gateway| !gateway.is_unspecified());
    Route { gateway, interface: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        wlan0\t00000000\t0114140A\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
        eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
        eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";

    #[test]
    fn the_route_with_the_lowest_metric_is_the_default() {
        let eth0 = |gateway: &str| Some(route(gateway.parse().unwrap(), "eth0"));
        assert_eq!(default_ipv4(ROUTES), eth0("10.0.0.1"));
        assert_eq!(default_ipv4("Iface\n"), None);
        let zero = "0".repeat(32);
        let line =
            |gateway: &str, flags, name| format!("{zero} 00 {zero} 00 {gateway} 00000400 1 0 {flags} {name}");
        let text =
            [line(&zero, "00200200", "lo"), line("fe800000000000000000000000000001", "00000003", "eth0")];
        assert_eq!(default_ipv6(&text.join("\n")), eth0("fe80::1"));
        assert_eq!(route(IpAddr::V4(Ipv4Addr::UNSPECIFIED), "tun0").gateway, None);
    }
}
