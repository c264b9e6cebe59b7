//! Interfaces and default routes, as the adapters have them.

use super::adapters::{self, Adapter};
use super::device::LOOPBACK;
use crate::network::{Interface, Route};

pub(crate) fn interfaces() -> Vec<Interface> {
    let interface = |adapter: Adapter| Interface {
        loopback: adapter.kind == LOOPBACK,
        up: adapter.up,
        addresses: adapter.addresses.into_iter().map(|(address, _)| address).collect(),
        name: adapter.name,
    };
    adapters::all().into_iter().map(interface).collect()
}

pub(crate) fn default_route(v6: bool) -> Option<Route> {
    let routes = adapters::all().into_iter().filter(|adapter| adapter.up).filter_map(|adapter| {
        let gateway = adapter.gateways.iter().copied().find(|gateway| gateway.is_ipv6() == v6)?;
        let metric = if v6 { adapter.metric_v6 } else { adapter.metric_v4 };
        Some((metric, Route { gateway: Some(gateway), interface: adapter.name }))
    });
    routes.min_by_key(|(metric, _)| *metric).map(|(_, route)| route)
}
