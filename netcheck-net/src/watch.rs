//! What the path below every protocol reports while it works: a diagnosis listens and prepares its experiments.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::net::Net;
use crate::tls::certificate::Chain;
use crate::tls::sent_hello::SentHello;

/// Listens to one run. Every method returns at once.
pub trait Watch: Debug + Send + Sync {
    /// A TCP connection was established.
    fn connected(&self, to: SocketAddr);

    /// A datagram was answered.
    fn datagram_answered(&self);

    /// A chain ends in a public root and is valid now.
    fn chain_valid(&self, chain: &Chain);

    /// A SYN has been unanswered for [`Net::patience`].
    fn connect_silent(self: Arc<Self>, net: Net, to: SocketAddr);

    /// A ClientHello has been unanswered for [`Net::patience`].
    fn hello_silent(self: Arc<Self>, net: Net, to: SocketAddr, sent: Arc<SentHello>);

    /// A resolver has been silent for [`Net::patience`].
    fn resolver_silent(self: Arc<Self>, net: Net);

    /// A datagram has been unanswered for [`Net::patience`].
    fn datagram_silent(self: Arc<Self>, net: Net, to: SocketAddr);
}
