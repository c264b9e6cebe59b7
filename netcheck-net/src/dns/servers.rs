//! The resolvers that are asked, and from where.

use std::net::SocketAddr;
use std::ops::Deref;

use crate::device;
use crate::tcp::Origin;

/// The resolvers that are asked, in order.
#[derive(Clone, Debug, Default)]
pub struct Servers {
    addresses: Vec<SocketAddr>,
    origin: Origin,
}

impl Servers {
    /// Resolvers to be asked from where the run's packets leave.
    #[must_use]
    pub fn new(addresses: Vec<SocketAddr>, origin: &Origin) -> Self {
        Servers { addresses, origin: origin.clone() }
    }

    /// From where one of them is asked: what is on this machine is reached no other way than by loopback.
    pub(super) fn origin(&self, server: SocketAddr) -> Origin {
        let any = self.origin.interface.is_none() && self.origin.source.is_none();
        if any || device::is_ours(server.ip()) {
            return Origin::default();
        }
        self.origin.clone()
    }
}

impl Deref for Servers {
    type Target = [SocketAddr];

    fn deref(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl IntoIterator for Servers {
    type Item = SocketAddr;
    type IntoIter = std::vec::IntoIter<SocketAddr>;

    fn into_iter(self) -> Self::IntoIter {
        self.addresses.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_elsewhere_is_asked_from_where_packets_leave_and_one_here_is_not() {
        let origin = Origin { interface: Some("eth0".into()), source: "192.0.2.1".parse().ok() };
        let servers = Servers::new(Vec::new(), &origin);
        let from = |server: &str| servers.origin(SocketAddr::new(server.parse().unwrap(), 53));
        let there = from("198.51.100.53");
        assert_eq!((there.interface, there.source), (origin.interface.clone(), origin.source));
        for here in ["127.0.0.53", "::1"] {
            let here = from(here);
            assert_eq!((here.interface, here.source), (None, None));
        }
    }
}
