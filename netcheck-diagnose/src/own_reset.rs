//! Whether this machine's own firewall answers a SYN with RST. Seen from a socket it looks like a reset by the first hop; the
//! kernel's count tells: a SYN that a rule refuses is not among the octets sent, and the RST, shorter than any SYN, is.

use std::net::SocketAddr;
use std::time::Duration;

use crate::Diagnosis;
use netcheck_net::clock;
use netcheck_net::octets;
use netcheck_net::tcp;

/// Whatever else this machine sends meanwhile is counted too: so often a quiet moment is tried for.
const ROUNDS: u8 = 20;
/// How long the next moment is waited for.
const NEXT: Duration = Duration::from_millis(2);

/// Whether a connection to `to` was refused, and nothing was sent but one RST.
pub(super) async fn refuses(net: &Diagnosis, to: SocketAddr) -> bool {
    for _ in 0..ROUNDS {
        let Some(before) = octets::sent(to.is_ipv6()).seen() else { return false };
        if !tcp::is_refused_at_once(net.egress(), to) {
            return false;
        }
        let sent = octets::sent(to.is_ipv6()).seen().map(|after| after.wrapping_sub(before));
        if sent == Some(reset_length(to)) {
            return true;
        }
        clock::pause(NEXT).await;
    }
    false
}

/// A RST is the two headers without options; a SYN always has one (RFC 9293: the maximum segment size).
fn reset_length(to: SocketAddr) -> u64 {
    if to.is_ipv6() { 60 } else { 40 }
}
