//! On whose side each hop is: the organisation that sent the message, or the one that received it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::hostname::{is_local, organisation};
use super::received::Hop;
use super::vendor;

/// What the sender publishes of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Its mail hosts.
    pub hosts: Vec<String>,
    /// The addresses it sends from; what a message came from is compared with them.
    pub addresses: Vec<IpAddr>,
}

/// The side of a hop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The sender's own, or its mail service provider's.
    Sender,
    /// The receiver's own, or its mail filter's.
    Receiver,
    /// Between them: neither is known.
    #[default]
    Unknown,
}

/// The sides of the hops of a message, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// One for each hop.
    pub hops: Vec<Side>,
    receivers: BTreeSet<String>,
}

impl Sides {
    /// Sorts the hops; `signers` are the author's domain and the domains of the signatures.
    #[must_use]
    pub fn of(hops: &[Hop], published: &Published, author: Option<&str>, signers: &[String]) -> Sides {
        let newest = hops.iter().rev().filter_map(|hop| hop.by.as_deref()).find(|by| !is_local(by));
        let recipients = hops.iter().filter_map(|hop| hop.recipient.as_deref());
        let receivers: BTreeSet<String> =
            newest.into_iter().chain(recipients).filter_map(organisation).map(str::to_owned).collect();
        // A customer's own domain as the author is on both sides: its hosts received the message.
        let mut senders: BTreeSet<&str> =
            published.hosts.iter().filter_map(|host| organisation(host)).collect();
        let claimed = signers.iter().map(String::as_str).chain(author).filter_map(organisation);
        senders.extend(claimed.filter(|name| !receivers.contains(*name)));
        let sides = hops.iter().map(|hop| side(hop, &senders, &receivers)).collect();
        let mut sides = Sides { hops: sides, receivers };
        sides.settle();
        sides
    }

    /// Before the sender's last hop everything is the sender's; after the receiver's first one the receiver's.
    fn settle(&mut self) {
        if let Some(last) = self.last_sender() {
            self.hops[..=last].fill(Side::Sender);
        }
        if let Some(first) = self.hops.iter().position(|side| *side == Side::Receiver) {
            self.hops[first..].fill(Side::Receiver);
        }
    }

    /// The sender's last hop.
    #[must_use]
    pub fn last_sender(&self) -> Option<usize> {
        self.hops.iter().rposition(|side| *side == Side::Sender)
    }

    /// The first hop that is not the sender's.
    #[must_use]
    pub fn first_external(&self) -> usize {
        self.last_sender().map_or(0, |last| last + 1)
    }

    /// Whether a host belongs to the receiver or to a mail filter.
    #[must_use]
    pub fn is_receiver(&self, host: &str) -> bool {
        vendor::of_host(host).is_some()
            || organisation(host).is_some_and(|name| self.receivers.contains(name))
    }
}

fn side(hop: &Hop, senders: &BTreeSet<&str>, receivers: &BTreeSet<String>) -> Side {
    let Some(by) = hop.by.as_deref().filter(|by| !is_local(by)) else { return Side::Unknown };
    match organisation(by) {
        Some(name) if senders.contains(name) => Side::Sender,
        _ if vendor::is_provider(by) => Side::Sender,
        Some(name) if receivers.contains(name) => Side::Receiver,
        _ if vendor::of_host(by).is_some() => Side::Receiver,
        _ => Side::Unknown,
    }
}
