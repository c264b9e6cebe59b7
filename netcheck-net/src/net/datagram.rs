//! UDP sockets: opened here, so that flags, shortages and the record's path are seen to in one place.

use std::net::{IpAddr, SocketAddr};

use super::Net;
use crate::udp;
use netcheck_record::failure::Failure;

impl Net {
    /// A connected UDP socket; where it leaves goes into the record's `path`.
    ///
    /// # Errors
    /// `route.none`, `route.denied`.
    pub async fn udp(&self, address: IpAddr, port: u16) -> Result<udp::Socket, Failure> {
        self.udp_from(address, port, 0).await
    }

    /// The same from a local port that other sockets may share; 0 is any.
    ///
    /// # Errors
    /// `route.none`, `route.denied`.
    pub async fn udp_from(
        &self,
        address: IpAddr,
        port: u16,
        local_port: u16,
    ) -> Result<udp::Socket, Failure> {
        let to = SocketAddr::new(address, port);
        let opened = udp::Socket::open_in_turn(self.egress(), to, local_port).await;
        let socket = opened.inspect_err(|_| {
            // A family without a route must not hide the one that was tried.
            if self.peer().is_none() {
                self.path(to, None);
            }
        })?;
        self.path(to, socket.local_addr());
        Ok(socket)
    }

    /// An unconnected UDP socket of the peer's family, for a library that speaks datagrams itself.
    ///
    /// # Errors
    /// `route.none`, `route.denied`.
    pub async fn bound(&self, peer: IpAddr) -> Result<std::net::UdpSocket, Failure> {
        udp::unconnected(self.egress(), peer).await
    }

    /// Writes down which way a socket of the check's own takes.
    pub fn note_path(&self, local: SocketAddr, peer: SocketAddr) {
        self.path(peer, Some(local));
    }
}
