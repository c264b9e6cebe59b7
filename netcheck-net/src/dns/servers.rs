//! The resolvers that are asked, from where, and which of them leave questions with EDNS unanswered.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use super::response::{EdnsUse, Response};
use crate::device;
use crate::lock;
use crate::tcp::Egress;
use crate::udp::Socket;

/// So often a question with EDNS stays unanswered before EDNS is left out: one loss proves nothing.
const LOST: u8 = 2;

/// What is known of a resolver's EDNS.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EdnsHistory {
    accepted: bool,
    unanswered: u8,
}

/// Shared by all questions of a run.
pub(super) type EdnsKnown = Arc<Mutex<HashMap<SocketAddr, EdnsHistory>>>;

/// The resolvers that are asked, in order.
#[derive(Clone, Debug, Default)]
pub struct Servers {
    addresses: Vec<SocketAddr>,
    egress: Egress,
    edns: EdnsKnown,
}

impl Servers {
    /// Resolvers to be asked from where the run's packets leave.
    #[must_use]
    pub fn new(addresses: Vec<SocketAddr>, egress: &Egress) -> Self {
        Servers { addresses, egress: egress.clone(), edns: EdnsKnown::default() }
    }

    /// The same, which share what is known of their EDNS.
    pub(super) fn sharing(self, edns: &EdnsKnown) -> Self {
        Servers { edns: Arc::clone(edns), ..self }
    }

    /// From where one of them is asked: what is on this machine is reached no other way than by loopback.
    pub(super) fn egress(&self, server: SocketAddr) -> Egress {
        let any = self.egress.interface.is_none() && self.egress.source.is_none();
        if any || device::is_ours(server.ip()) {
            return Egress::default();
        }
        self.egress.clone()
    }

    /// Whether questions to this resolver have no EDNS any more.
    pub(super) fn omits_edns(&self, server: SocketAddr) -> bool {
        lock(&self.edns).get(&server).is_some_and(|known| !known.accepted && known.unanswered >= LOST)
    }

    /// Whether this resolver has answered a question with EDNS.
    pub(super) fn accepts_edns(&self, server: SocketAddr) -> bool {
        lock(&self.edns).get(&server).is_some_and(|known| known.accepted)
    }

    /// Whether this machine has a route to an address. Connecting a UDP socket asks for it and sends nothing.
    pub(super) fn has_route(&self, address: IpAddr) -> bool {
        Socket::open(&self.egress, SocketAddr::new(address, 443)).is_ok()
    }

    /// Learns from a response.
    pub(super) fn note_edns(&self, response: &Response) {
        let mut all = lock(&self.edns);
        let known = all.entry(response.server).or_default();
        match response.edns {
            EdnsUse::Accepted => known.accepted = true,
            EdnsUse::Unanswered => known.unanswered = known.unanswered.saturating_add(1),
            EdnsUse::Rejected | EdnsUse::Omitted | EdnsUse::Repeated => {}
        }
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
    use crate::dns::message::Reply;

    #[test]
    fn a_resolver_elsewhere_is_asked_from_where_packets_leave_and_one_here_is_not() {
        let egress = Egress { interface: Some("eth0".into()), source: "192.0.2.1".parse().ok() };
        let servers = Servers::new(Vec::new(), &egress);
        let from = |server: &str| servers.egress(SocketAddr::new(server.parse().unwrap(), 53));
        let there = from("198.51.100.53");
        assert_eq!((there.interface, there.source), (egress.interface.clone(), egress.source));
        for here in ["127.0.0.53", "::1"] {
            let here = from(here);
            assert_eq!((here.interface, here.source), (None, None));
        }
    }

    #[test]
    fn edns_is_left_out_after_two_losses_and_never_where_it_was_answered() {
        let server: SocketAddr = "192.0.2.53:53".parse().unwrap();
        let told = |uses: &[EdnsUse]| {
            let servers = Servers::new(vec![server], &Egress::default());
            for edns in uses {
                servers.note_edns(&Response {
                    reply: Reply::default(),
                    server,
                    edns: *edns,
                    tcp: None,
                    silent: Vec::new(),
                });
            }
            servers.omits_edns(server)
        };
        use EdnsUse::{Accepted, Unanswered};
        assert!(!told(&[Unanswered]));
        assert!(told(&[Unanswered, Unanswered]));
        assert!(!told(&[Accepted, Unanswered, Unanswered]));
        assert!(!told(&[Unanswered, Unanswered, Accepted]));
    }
}
