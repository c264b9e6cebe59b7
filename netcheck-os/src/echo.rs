//! ICMP echo requests that die on their way, where the system sends them for a user without privileges and tells who
//! answered.

use std::net::IpAddr;
use std::time::Duration;

use crate::{Sight, system};

/// Who answered an echo request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Whoever has the address.
    Answered,
    /// The router on which the request died.
    Expired(IpAddr),
}

/// Sends an echo request that travels at most `hops` hops, and waits for the answer; it blocks its thread meanwhile.
#[must_use]
pub fn ask(to: IpAddr, hops: u8, wait: Duration) -> Sight<Reply> {
    system::echo::ask(to, hops, wait)
}

/// Whether this system tells who answered.
#[must_use]
pub const fn is_told() -> bool {
    system::echo::IS_TOLD
}
