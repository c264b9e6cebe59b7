//! Connecting: both families at once, the silent attempt looked into, the way written down.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use tokio::net::TcpStream;

use super::Net;
use crate::clock;
use crate::eyeballs::{self, Family};
use crate::lock;
use crate::stream::Stream;
use crate::tcp::{self, ProbeOptions};
use crate::tcp_info::{TcpInfo, asks_for_ecn};
use netcheck_record::failure::{Code, Failure};

impl Net {
    /// Connects to the first address that answers (RFC 8305).
    ///
    /// # Errors
    /// The `tcp.*` and `route.*` codes.
    pub async fn connect(&self, addresses: &[IpAddr], port: u16) -> Result<Stream, Failure> {
        self.connect_tcp(addresses, port).await.map(Stream::tcp)
    }

    /// The same, as a bare socket.
    ///
    /// # Errors
    /// The `tcp.*` and `route.*` codes.
    pub async fn connect_tcp(&self, addresses: &[IpAddr], port: u16) -> Result<TcpStream, Failure> {
        let order = eyeballs::order(&self.wanted(addresses)?);
        if let Some(first) = order.first() {
            self.path(SocketAddr::new(*first, port), None);
        }
        let egress = self.egress();
        let locals: Mutex<Vec<(SocketAddr, SocketAddr)>> = Mutex::default();
        let note = |to, local| {
            locals.lock().unwrap_or_else(PoisonError::into_inner).push((to, local));
            self.path(to, Some(local));
        };
        let note = &note;
        let attempt = |to| async move {
            let mut work = Box::pin(tcp::attempt_noting(
                egress,
                to,
                ProbeOptions { segment: self.segment, ttl: self.ttl, ..ProbeOptions::default() },
                |local| note(to, local),
            ));
            self.tell(2, || format!("SYN to {to}"));
            // While an attempt stays silent, the search for where it dies begins.
            match clock::within(self.patience(), &mut work).await {
                Some(ended) => ended,
                None => {
                    if self.prefetches() {
                        self.watch().connect_silent(self.detached(), to);
                    }
                    work.await
                }
            }
        };
        let bound = self.timeout().min(self.left()).mul_f64(0.95);
        let race = eyeballs::race(&order, port, bound, attempt).await;
        let families = order.iter().any(IpAddr::is_ipv4) && order.iter().any(IpAddr::is_ipv6);
        if families {
            self.families(&race.ended);
        }
        match race.winner {
            Ok((stream, to)) => {
                // Two families may have been tried: the winner's way is the path.
                if self.peer() != Some(to) {
                    self.path(to, stream.local_addr().ok());
                }
                if self.ttl.is_none() {
                    self.shared.watch.connected(to);
                }
                // Only a connection that took a retransmission is looked into: the setting is read from a file.
                let info = TcpInfo::read(&stream).seen();
                if info.is_some_and(|info| info.retransmissions > 0 && !info.ecn) && asks_for_ecn() {
                    self.see(|seen| seen.first_syn_lost = true);
                }
                if families {
                    self.ask_the_other_family(&order, port, &race.ended, to);
                }
                Ok(stream)
            }
            Err((refusal, to)) => {
                let locals = locals.lock().unwrap_or_else(PoisonError::into_inner);
                let local = locals.iter().find(|(known, _)| *known == to).map(|(_, local)| *local);
                self.path(to, local);
                Err(refusal.failure)
            }
        }
    }

    fn wanted(&self, addresses: &[IpAddr]) -> Result<Vec<IpAddr>, Failure> {
        let flags = &self.shared.flags;
        let fits = |address: &&IpAddr| {
            let unwanted = if address.is_ipv6() { flags.ipv4 } else { flags.ipv6 };
            !unwanted && flags.source.is_none_or(|source| source.is_ipv6() == address.is_ipv6())
        };
        let wanted: Vec<IpAddr> = addresses.iter().filter(fits).copied().collect();
        if wanted.is_empty() {
            return Err(Failure::new(Code::RouteNone, "no address of the family asked for"));
        }
        Ok(wanted)
    }

    fn families(&self, ended: &[Family]) {
        for family in ended {
            let key = if family.address.is_ipv6() { "ipv6" } else { "ipv4" };
            self.fact("tcp", key, family.fact());
            self.see(|seen| seen.families.push(family.clone()));
        }
    }

    /// The winner's family is known; the other one is asked beside the later stages.
    fn ask_the_other_family(&self, order: &[IpAddr], port: u16, ended: &[Family], winner: SocketAddr) {
        let other = order.iter().copied().find(|address| address.is_ipv6() != winner.is_ipv6());
        let Some(other) = other.filter(|o| !ended.iter().any(|f| f.address.is_ipv6() == o.is_ipv6())) else {
            return;
        };
        let (egress, timeout, left) = (self.egress().clone(), self.timeout(), self.left());
        let work = async move {
            let begun = clock::now();
            let to = SocketAddr::new(other, port);
            let attempt = tcp::attempt(&egress, to, ProbeOptions::default());
            let failure = match clock::within(timeout.min(left), attempt).await {
                Some(Ok(_)) => None,
                Some(Err(refusal)) => Some(refusal.failure.code),
                None if timeout <= left => Some(Code::TcpTimeout),
                // The deadline cut it off: that is no word about the family.
                None => return None,
            };
            let us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            Some(Family { address: other, failure, us })
        };
        *lock(&self.sights.pending) = Some(tokio::spawn(work));
    }

    /// Waits for the family that was asked beside the stages.
    pub async fn settle(&self) {
        let pending = lock(&self.sights.pending).take();
        if let Some(pending) = pending
            && let Ok(Some(family)) = pending.await
        {
            self.families(&[family]);
        }
    }
}
