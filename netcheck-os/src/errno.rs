//! What a system's error number means, whatever the system calls it.

use std::io;

use crate::system;

/// The meaning of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The connection was refused: a RST, or ICMP port unreachable.
    Refused,
    /// The connection was reset.
    Reset,
    /// No route to the network.
    NetUnreachable,
    /// The host cannot be reached.
    HostUnreachable,
    /// This machine does not permit it.
    Denied,
    /// Descriptors, memory or room in a queue are missing for a moment.
    Shortage,
    /// No local address or port is free.
    NoAddress,
    /// The packet is larger than the path takes.
    TooBig,
    /// The connection is being made.
    InProgress,
    /// There is no such interface.
    NoDevice,
    /// The argument, or the route, is not valid.
    Invalid,
    /// The system does not have this option.
    Unsupported,
    /// Something else, and errors that have no number.
    Other,
}

/// The meaning of an error's number.
#[must_use]
pub fn kind(error: &io::Error) -> Kind {
    system::errno::kind(error)
}
