//! The only crate that speaks to the operating system for what differs between systems.
//!
//! One module for each question; `linux` and `windows` answer it there, `other` says that the system does not tell. What a system does
//! not tell is [`Sight::Blind`], never [`Sight::Nothing`].

#[cfg(not(target_os = "linux"))]
mod blind;
pub mod child;
pub mod datagram;
pub mod device;
pub mod echo;
pub mod errno;
pub mod file;
pub mod hops;
pub mod icmp;
pub mod limits;
pub mod names;
pub mod network;
pub mod octets;
pub mod parent;
pub mod peer_socket;
pub mod program;
pub mod segment;
pub mod sense;
mod sight;
pub mod socket;
pub mod stop;
pub mod tcp_counters;
pub mod tcp_info;
pub mod user;

#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod system;
#[cfg(windows)]
#[path = "windows/mod.rs"]
mod system;
#[cfg(not(any(target_os = "linux", windows)))]
#[path = "other/mod.rs"]
mod system;

pub use sense::Sense;
pub use sight::Sight;
