//! The four places and the links between them: client, two routers, and an internet that owns every address.

use std::io;

use super::place::Place;

/// The first router, seen from the client: hop 1, the resolver and the proxy.
pub const ROUTER1: &str = "10.20.0.1";

/// The interfaces: place, name, hardware address, and their IPv4 and IPv6 addresses.
const INTERFACES: &[Interface] = &[
    Interface {
        place: "client",
        name: "eth0",
        mac: "02:00:00:00:00:0c",
        v4: "10.20.0.10/24",
        v6: "2a0e:20::10/64",
    },
    Interface {
        place: "router1",
        name: "inner",
        mac: "02:00:00:00:01:01",
        v4: "10.20.0.1/24",
        v6: "2a0e:20::1/64",
    },
    Interface {
        place: "router1",
        name: "outer",
        mac: "02:00:00:00:01:02",
        v4: "10.30.0.1/24",
        v6: "2a0e:30::1/64",
    },
    Interface {
        place: "router2",
        name: "inner",
        mac: "02:00:00:00:02:01",
        v4: "10.30.0.2/24",
        v6: "2a0e:30::2/64",
    },
    Interface {
        place: "router2",
        name: "outer",
        mac: "02:00:00:00:02:02",
        v4: "100.64.0.2/30",
        v6: "2a0e:64::2/64",
    },
    Interface {
        place: "inet",
        name: "eth0",
        mac: "02:00:00:00:03:01",
        v4: "100.64.0.1/30",
        v6: "2a0e:64::1/64",
    },
];

/// What each place knows of the rest. The border lets no private address out; the last two lines make the internet own
/// every address there is.
const ROUTES: &[(&str, &str)] = &[
    ("client", "default via 10.20.0.1"),
    ("client", "default via 2a0e:20::1"),
    ("router1", "default via 10.30.0.2"),
    ("router1", "default via 2a0e:30::2"),
    ("router2", "default via 100.64.0.1"),
    ("router2", "10.20.0.0/24 via 10.30.0.1"),
    ("router2", "blackhole 10.0.0.0/8"),
    ("router2", "blackhole 172.16.0.0/12"),
    ("router2", "blackhole 192.168.0.0/16"),
    ("router2", "default via 2a0e:64::1"),
    ("router2", "2a0e:20::/64 via 2a0e:30::1"),
    ("inet", "10.20.0.0/24 via 100.64.0.2"),
    ("inet", "10.30.0.0/24 via 100.64.0.2"),
    ("inet", "2a0e:20::/64 via 2a0e:64::2"),
    ("inet", "2a0e:30::/64 via 2a0e:64::2"),
    ("inet", "local default dev lo table main"),
    ("inet", "local ::/0 dev lo table main"),
];

/// ICMP errors are not rationed, or a refusal looks like silence at random; servers may answer from any address.
const SETTINGS: &[(&str, &str)] = &[
    ("net.ipv4.ip_forward", "1"),
    ("net.ipv6.conf.all.forwarding", "1"),
    ("net.ipv4.icmp_ratelimit", "0"),
    ("net.ipv4.icmp_msgs_per_sec", "100000"),
    ("net.ipv6.icmp.ratelimit", "0"),
    ("net.ipv4.ip_nonlocal_bind", "1"),
    ("net.ipv6.ip_nonlocal_bind", "1"),
];

struct Interface {
    place: &'static str,
    name: &'static str,
    mac: &'static str,
    v4: &'static str,
    v6: &'static str,
}

/// The network without faults.
pub struct Network {
    /// Where the tools run.
    pub client: Place,
    /// Hop 1.
    pub router1: Place,
    /// Hop 2.
    pub router2: Place,
    /// Everything else.
    pub inet: Place,
}

impl Network {
    /// Builds the four places; `v6` says whether the client has IPv6.
    ///
    /// # Errors
    /// The kernel or `ip` refuses something, or the client's packets would not stay in the lab.
    pub fn build(v6: bool) -> io::Result<Network> {
        let network = Network {
            client: Place::new("client")?,
            router1: Place::new("router1")?,
            router2: Place::new("router2")?,
            inet: Place::new("inet")?,
        };
        // Both ends of every link are up before an IPv6 address is set: otherwise the kernel waits a second a hop.
        network.link(&network.router1, &[("inner", "client"), ("outer", "router2")])?;
        network.link(&network.router2, &[("outer", "inet")])?;
        for place in network.places() {
            place.inside(|| bring_up(place.name))?;
        }
        for place in network.places() {
            configure(place, v6)?;
        }
        network.closed()?;
        Ok(network)
    }

    /// The place of this name.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<&Place> {
        self.places().into_iter().find(|place| place.name == name)
    }

    fn places(&self) -> [&Place; 4] {
        [&self.client, &self.router1, &self.router2, &self.inet]
    }

    fn link(&self, from: &Place, links: &[(&str, &str)]) -> io::Result<()> {
        let mut lines = String::new();
        for (name, to) in links {
            let own = interface(from.name, name);
            let peer = if *to == "router2" { interface(to, "inner") } else { interface(to, "eth0") };
            lines += &format!(
                "link add name {} address {} type veth peer name {} netns {to} address {}\n",
                own.name, own.mac, peer.name, peer.mac
            );
        }
        from.run("ip", &["-batch", "-"], &lines).map(drop)
    }

    /// Nothing may leave the lab: a packet for the platform goes to hop 1, and hop 1 is ours.
    fn closed(&self) -> io::Result<()> {
        let route = self.client.run("ip", &["route", "get", "17.57.144.1"], "")?;
        if route.contains(&format!("via {ROUTER1} dev eth0")) {
            return Ok(());
        }
        Err(io::Error::other(format!("the client's packets would not go through the lab: {}", route.trim())))
    }
}

fn interface(place: &str, name: &str) -> &'static Interface {
    let found = INTERFACES.iter().find(|interface| interface.place == place && interface.name == name);
    found.expect("every link has two interfaces")
}

/// Settings and links up.
fn bring_up(place: &str) -> io::Result<()> {
    for (key, value) in SETTINGS {
        if !key.ends_with("forward") && !key.ends_with("forwarding") || place != "client" {
            setting(key, value)?;
        }
    }
    setting("net.ipv4.ping_group_range", "0 2147483647")
        .or_else(|_| setting("net.ipv4.ping_group_range", "0 0"))?;
    let ups: String =
        interfaces_of(place).map(|interface| format!("link set {} up\n", interface.name)).collect();
    super::place::output_of(
        std::process::Command::new("ip").args(["-batch", "-"]),
        &format!("link set lo up\n{ups}"),
    )?;
    for interface in interfaces_of(place) {
        // Super-packets of 64 KiB would pass rules that go by length, and hide the real MTU.
        let arguments = ["-K", interface.name, "tso", "off", "gso", "off", "gro", "off"];
        super::place::output_of(std::process::Command::new("ethtool").args(arguments), "")?;
    }
    Ok(())
}

fn configure(place: &Place, v6: bool) -> io::Result<()> {
    let v6 = v6 || place.name != "client";
    let mut lines = String::new();
    for interface in interfaces_of(place.name) {
        lines += &format!("addr add {} dev {}\n", interface.v4, interface.name);
        if v6 {
            lines += &format!("addr add {} dev {} nodad\n", interface.v6, interface.name);
        }
        for (peer, address) in neighbours(interface) {
            if v6 || !address.contains(':') {
                let mac = peer.mac;
                lines += &format!("neigh add {address} lladdr {mac} dev {} nud permanent\n", interface.name);
            }
        }
    }
    for (_, route) in ROUTES.iter().filter(|(at, _)| *at == place.name) {
        if v6 || !route.contains(':') {
            lines += &format!("route add {route}\n");
        }
    }
    place.run("ip", &["-batch", "-"], &lines).map(drop)
}

/// The interfaces of a namespace.
fn interfaces_of(place: &str) -> impl Iterator<Item = &'static Interface> {
    INTERFACES.iter().filter(move |interface| interface.place == place)
}

/// The other end of a link, known beforehand: asking for it costs a second over IPv6.
fn neighbours(of: &Interface) -> impl Iterator<Item = (&'static Interface, &'static str)> {
    let (own, subnet) = (of.mac, network_of(of.v4));
    INTERFACES
        .iter()
        .filter(move |other| other.mac != own && network_of(other.v4) == subnet)
        .flat_map(|other| [(other, bare(other.v4)), (other, bare(other.v6))])
}

fn network_of(address: &str) -> &str {
    address.rsplit_once('.').map_or(address, |(network, _)| network)
}

fn bare(address: &'static str) -> &'static str {
    address.split('/').next().unwrap_or(address)
}

/// Sets a kernel setting of the network namespace this thread is in.
pub(super) fn setting(key: &str, value: &str) -> io::Result<()> {
    let path = format!("/proc/sys/{}", key.replace('.', "/"));
    std::fs::write(&path, value).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
}
