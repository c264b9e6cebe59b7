//! How many octets this machine's IP layer sent so far: counted after the rules of a local firewall.

use crate::{Sense, Sight, system};

/// The system's own count for the address family.
#[must_use]
pub fn sent(v6: bool) -> Sight<u64> {
    if Sense::SentOctets.is_blind() { Sight::Blind } else { system::octets::sent(v6).into() }
}
