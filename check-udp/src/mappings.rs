//! What the STUN servers of one run saw of one local port: sockets that share it, and the mappings they learned.
//!
//! Each target has a connected socket of its own, so that ICMP errors keep their sender, and all of them are bound to
//! the port of the first (`SO_REUSEADDR`; the kernel hands a datagram to the socket connected to its sender). A second
//! socket towards the same server would take the first one's answers, so while one is open the next gets another port.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use netcheck_common::failure::Failure;
use netcheck_common::net::Net;
use netcheck_common::udp::Socket;

use crate::nat::{Mapping, NatFacts, behaviour};
use crate::reach;

/// More servers than this add nothing.
const MOST: usize = 8;

/// What the STUN servers of one run saw.
#[derive(Clone, Debug, Default)]
pub struct Mappings {
    /// The shared local port of each family (true: IPv6). Held while a socket is opened, so that the first one settles it.
    ports: Arc<tokio::sync::Mutex<HashMap<bool, u16>>>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The servers a socket on a shared port is connected to.
    busy: HashSet<SocketAddr>,
    known: Vec<Mapping>,
}

/// A socket for one target.
pub struct Lease {
    /// The socket.
    pub socket: Socket,
    _shared: Option<Claim>,
}

/// The right to be the one socket on the shared port towards a server.
struct Claim {
    mappings: Mappings,
    server: SocketAddr,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.mappings.state().busy.remove(&self.server);
    }
}

impl Mappings {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claim(&self, server: SocketAddr) -> Option<Claim> {
        let mut state = self.state();
        (state.known.len() < MOST && state.busy.insert(server))
            .then(|| Claim { mappings: self.clone(), server })
    }

    /// A socket towards a server: on the shared port while there is something to learn, unless another towards the
    /// same server is open there.
    pub async fn open(&self, net: &Net, address: IpAddr, port: u16) -> Result<Lease, Failure> {
        let Some(claim) = self.claim(SocketAddr::new(address, port)) else {
            return Ok(Lease { socket: net.udp(address, port).await?, _shared: None });
        };
        let mut ports = self.ports.lock().await;
        let local = match ports.get(&address.is_ipv6()) {
            Some(local) => *local,
            None => reach::free_port(address.is_ipv6()),
        };
        // Somebody else may have taken the port since; then the mappings are compared on the next one.
        let socket = match net.udp_from(address, port, local).await {
            Ok(socket) => socket,
            Err(_) => net.udp(address, port).await?,
        };
        match socket.local_addr() {
            Some(bound) if bound.port() == local => ports.insert(address.is_ipv6(), local),
            _ => ports.remove(&address.is_ipv6()),
        };
        Ok(Lease { socket, _shared: Some(claim) })
    }

    /// Adds what a server saw; what all of them together say about the NAT, once there are two.
    pub fn add_mapping(&self, local: SocketAddr, server: SocketAddr, mapped: SocketAddr) -> Option<NatFacts> {
        let mut state = self.state();
        state.known.retain(|known| (known.local, known.server) != (local, server));
        let same: Vec<Mapping> = state.known.iter().copied().filter(|known| known.local == local).collect();
        let mapping = Mapping { local, server, mapped };
        if state.known.len() < MOST {
            state.known.push(mapping);
        }
        drop(state);
        if same.is_empty() {
            return None;
        }
        behaviour(&[same, vec![mapping]].concat())
    }
}
