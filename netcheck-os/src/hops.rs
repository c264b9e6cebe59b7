//! Hop limits of a socket: how far what it sends travels, and how far what it accepts has travelled.

use std::io;

use socket2::SockRef;

use crate::{Sense, Sight, system};

/// Sets the TTL (hop limit) of what is sent.
///
/// # Errors
/// What the system says.
pub fn set_limit<'s>(socket: impl Into<SockRef<'s>>, v6: bool, hops: u8) -> io::Result<()> {
    let socket = socket.into();
    if v6 { socket.set_unicast_hops_v6(u32::from(hops)) } else { socket.set_ttl_v4(u32::from(hops)) }
}

/// Accepts only what has this TTL (hop limit) left: nothing where the socket does not take it.
pub fn accept_from<'s>(socket: impl Into<SockRef<'s>>, v6: bool, least: u8) -> Sight<()> {
    let sense = Sense::ResetDistance;
    if sense.is_blind() {
        Sight::Blind
    } else {
        sense.told(system::hops::accept_from(&socket.into(), v6, least))
    }
}
