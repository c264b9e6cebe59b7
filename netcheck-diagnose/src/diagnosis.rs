//! The diagnosis of one target: its way to the network, and the experiments of the whole run.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use netcheck_net::net::Net;
use netcheck_net::tls::{Chain, SentHello};
use netcheck_net::watch::Watch;

use crate::experiments::Experiments;

/// The diagnosis of one target. It reaches the network as the target does: see [`Net`].
#[derive(Clone, Debug)]
pub struct Diagnosis {
    net: Net,
    pub(crate) experiments: Arc<Experiments>,
}

impl Deref for Diagnosis {
    type Target = Net;

    fn deref(&self) -> &Net {
        &self.net
    }
}

impl Diagnosis {
    /// The diagnosis of the target that `net` reaches, with the experiments of its run.
    #[must_use]
    pub fn new(net: Net, experiments: &Arc<Experiments>) -> Self {
        Diagnosis { net, experiments: Arc::clone(experiments) }
    }

    /// The same run's experiments over another way to the network.
    #[must_use]
    pub fn with_net(&self, net: Net) -> Self {
        Diagnosis { net, experiments: Arc::clone(&self.experiments) }
    }

    /// The same, whose observations do not reach the target's record.
    #[must_use]
    pub fn detached(&self) -> Self {
        self.with_net(self.net.detached())
    }

    /// The same as [`Diagnosis::detached`], with small TCP segments both ways.
    #[must_use]
    pub fn with_small_mss(&self) -> Self {
        self.with_net(self.net.with_small_mss())
    }
}

impl Watch for Experiments {
    fn connected(&self, to: SocketAddr) {
        self.note_connected(to);
    }

    fn datagram_answered(&self) {
        self.note_datagram_answered();
    }

    fn chain_valid(&self, chain: &Chain) {
        self.times.valid(chain);
    }

    fn connect_silent(self: Arc<Self>, net: Net, to: SocketAddr) {
        Diagnosis { net, experiments: self }.prefetch_connect(to);
    }

    fn hello_silent(self: Arc<Self>, net: Net, to: SocketAddr, sent: Arc<SentHello>) {
        Diagnosis { net, experiments: self }.prefetch_hello(to, sent);
    }

    fn resolver_silent(self: Arc<Self>, net: Net) {
        Diagnosis { net, experiments: self }.prefetch_resolver();
    }

    fn datagram_silent(self: Arc<Self>, net: Net, to: SocketAddr) {
        Diagnosis { net, experiments: self }.prefetch_datagram(to);
    }
}
