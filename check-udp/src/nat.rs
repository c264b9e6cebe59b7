//! NAT mapping behaviour (RFC 5780 section 4.3): what several servers say about one local port.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::Serialize;

/// What one server saw of one of our ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Our own address and port.
    pub local: SocketAddr,
    /// The server.
    pub server: SocketAddr,
    /// Us, as the server sees us.
    pub mapped: SocketAddr,
}

/// What the mapping depends on (RFC 4787 section 4.1).
#[derive(Clone, Copy, Debug, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Nothing translates: the servers see our own address and port.
    None,
    /// The same public address and port towards every server.
    EndpointIndependent,
    /// Another one for each server address, the same for two ports of one address.
    AddressDependent,
    /// Another one for each address and port: peers cannot be reached directly.
    AddressAndPortDependent,
    /// It differs; whether by address or by port too was not tested (no server was asked on two ports).
    EndpointDependent,
}

/// What a NAT does with one local port.
#[derive(Clone, Debug, Serialize, JsonSchema, PartialEq, Eq)]
pub struct NatFacts {
    /// What the mapping depends on.
    pub mapping: Behaviour,
    /// Whether every server sees the same public address, whatever the port.
    pub one_public_address: bool,
    /// Us, as each server sees us.
    pub servers: Vec<Server>,
}

/// Us, as one server sees us.
#[derive(Clone, Debug, Serialize, JsonSchema, PartialEq, Eq)]
pub struct Server {
    /// The server.
    pub server: SocketAddr,
    /// Us.
    pub mapped: SocketAddr,
}

/// What the mappings of one local port say; `None` before two servers (or two ports of one) have answered.
pub fn behaviour(mappings: &[Mapping]) -> Option<NatFacts> {
    let servers: BTreeSet<SocketAddr> = mappings.iter().map(|mapping| mapping.server).collect();
    if servers.len() < 2 {
        return None;
    }
    let addresses: BTreeSet<IpAddr> = servers.iter().map(SocketAddr::ip).collect();
    let publics: BTreeSet<SocketAddr> = mappings.iter().map(|mapping| mapping.mapped).collect();
    let mapping = if mappings.iter().all(|mapping| mapping.mapped == mapping.local) {
        Behaviour::None
    } else if publics.len() > 1 {
        dependence(mappings)
    } else if addresses.len() > 1 {
        Behaviour::EndpointIndependent
    } else {
        // Two ports of one address show nothing about other addresses.
        return None;
    };
    let hosts: BTreeSet<IpAddr> = publics.iter().map(SocketAddr::ip).collect();
    let servers =
        mappings.iter().map(|found| Server { server: found.server, mapped: found.mapped }).collect();
    Some(NatFacts { mapping, one_public_address: hosts.len() == 1, servers })
}

/// Two ports of one server show whether the port matters.
fn dependence(mappings: &[Mapping]) -> Behaviour {
    let same_host = |a: &Mapping, b: &Mapping| a.server.ip() == b.server.ip() && a.server != b.server;
    let mut pairs =
        mappings.iter().flat_map(|a| mappings.iter().map(move |b| (a, b))).filter(|(a, b)| same_host(a, b));
    match pairs.next() {
        None => Behaviour::EndpointDependent,
        Some((a, b)) if a.mapped == b.mapped && pairs.all(|(a, b)| a.mapped == b.mapped) => {
            Behaviour::AddressDependent
        }
        Some(_) => Behaviour::AddressAndPortDependent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(pairs: &[(&str, &str)]) -> Option<Behaviour> {
        let local = "10.0.0.2:5000".parse().expect("an address");
        let mapping = |(server, mapped): &(&str, &str)| Mapping {
            local,
            server: server.parse().expect("an address"),
            mapped: mapped.parse().expect("an address"),
        };
        behaviour(&pairs.iter().map(mapping).collect::<Vec<_>>()).map(|nat| nat.mapping)
    }

    #[test]
    fn one_server_tells_nothing() {
        assert_eq!(seen(&[("1.1.1.1:3478", "9.9.9.9:1")]), None);
        assert_eq!(seen(&[("1.1.1.1:3478", "9.9.9.9:1"), ("1.1.1.1:3479", "9.9.9.9:1")]), None);
    }

    #[test]
    fn the_same_port_everywhere_is_endpoint_independent() {
        let pairs = [("1.1.1.1:3478", "9.9.9.9:1"), ("2.2.2.2:3478", "9.9.9.9:1")];
        assert_eq!(seen(&pairs), Some(Behaviour::EndpointIndependent));
    }

    #[test]
    fn another_port_for_each_server_is_endpoint_dependent() {
        let pairs = [("1.1.1.1:3478", "9.9.9.9:1"), ("2.2.2.2:3478", "9.9.9.9:2")];
        assert_eq!(seen(&pairs), Some(Behaviour::EndpointDependent));
        let ports =
            [("1.1.1.1:3478", "9.9.9.9:1"), ("2.2.2.2:3478", "9.9.9.9:2"), ("1.1.1.1:3479", "9.9.9.9:1")];
        assert_eq!(seen(&ports), Some(Behaviour::AddressDependent));
        let both = [("1.1.1.1:3478", "9.9.9.9:1"), ("1.1.1.1:3479", "9.9.9.9:2")];
        assert_eq!(seen(&both), Some(Behaviour::AddressAndPortDependent));
    }

    #[test]
    fn our_own_address_means_no_translation() {
        let pairs = [("1.1.1.1:3478", "10.0.0.2:5000"), ("2.2.2.2:3478", "10.0.0.2:5000")];
        assert_eq!(seen(&pairs), Some(Behaviour::None));
    }
}
