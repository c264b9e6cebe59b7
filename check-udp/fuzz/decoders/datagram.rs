//! Version negotiation of QUIC, and ICMP echo replies: whatever comes in, reading ends without a panic.

use crate::{echo, versions};

/// Reads it as each of them.
pub fn decode(bytes: &[u8]) {
    for (v6, headed) in [(false, false), (false, true), (true, false)] {
        let _ = echo::reply(v6, headed, [0; 8], bytes);
    }
    for version in versions::answer(bytes, [0; 8], [0; 8]).into_iter().flatten() {
        assert!(!versions::name(version).is_empty());
    }
}
