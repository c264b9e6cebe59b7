//! What a received message tells of its way here: bytes in, values out, no sockets, in time and memory that grow no faster than the message.
//!
//! Nothing here names another module of the crate, so that the fuzz target can take this folder alone.

pub mod analysis;
pub mod arrival;
pub mod clocks;
pub mod date;
pub mod decode;
pub mod defects;
pub mod field;
pub mod hostname;
pub mod link;
pub mod part;
pub mod received;
pub mod results;
pub mod route;
pub mod sides;
pub mod vendor;

#[cfg(test)]
mod received_tests;
#[cfg(test)]
mod route_tests;
#[cfg(test)]
mod tests;

pub use analysis::Analysis;

/// The most bytes of a message that are read: a body of 50 MB and what wraps it.
pub const LARGEST: usize = 48 << 20;
