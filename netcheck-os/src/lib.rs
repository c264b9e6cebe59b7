//! The only crate that speaks to the operating system for what differs between systems.
//!
//! One module for each question; `linux` answers it there, `other` says that the system does not tell. What a system does
//! not tell is [`Sight::Blind`], never [`Sight::Nothing`].

pub mod device;
pub mod errno;
pub mod hops;
pub mod icmp;
pub mod limits;
pub mod octets;
pub mod parent;
pub mod peer_socket;
pub mod program;
pub mod segment;
pub mod sense;
mod sight;
pub mod stop;
pub mod tcp_counters;
pub mod tcp_info;
pub mod user;

#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "other/mod.rs"]
mod system;

pub use sense::Sense;
pub use sight::Sight;
