//! The way to a service: sockets, ICMP, names, proxies, TLS and one HTTP request. It observes and never infers.
//!
//! [`net::Net`] is the way of one target; what it meets on it goes into [`path_observations::PathObservations`].

pub mod clock;
pub mod dns;
pub mod eyeballs;
pub mod http;
pub mod icmp;
pub mod interrupt;
pub mod local_limits;
mod lock;
pub mod net;
pub mod path_observations;
pub mod proxy;
pub mod signature;
pub mod stream;
pub mod tcp;
pub mod tls;
pub mod udp;
pub mod verbose;
pub mod watch;

pub use lock::lock;
pub use netcheck_os::{device, errno, octets, peer_socket, tcp_counters, tcp_info};
