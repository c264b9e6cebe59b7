//! What a browser's ClientHello has beyond what rustls can write: GREASE (RFC 8701), and its length.
//!
//! Everything added here is of a kind that servers ignore and never answer, so the handshake goes on as if rustls had sent it.
//! Encrypted Client Hello and the other extensions of a browser that servers do answer are left out; padding takes their place.

use super::client_hello::{ClientHello, HYBRID};

/// The length of Chromium's record over TCP without the server name's bytes, in bytes: the middle of what was captured.
/// `netcheck-lab browser-hello` compares it with the browser at hand.
pub const LENGTH: usize = 1956;

/// The ClientHello as a browser sends it. The same hello always gives the same bytes: a second one, after a
/// HelloRetryRequest, keeps its values.
pub(super) fn as_browser_sends(message: &[u8]) -> Option<Vec<u8>> {
    let mut hello = ClientHello::parse(message)?;
    let seed: Vec<u8> = hello.random().to_vec();
    let grease = |n: usize| grease(seed.get(n).copied().unwrap_or_default());
    hello.suites.insert(0, grease(0));
    let mut groups = hello.groups();
    groups.insert(0, grease(1));
    hello.set_groups(&groups);
    // A second hello, after a HelloRetryRequest, holds the one share that was asked for.
    if hello.key_shares().iter().any(|(group, _)| *group == HYBRID) {
        hello.add_share(grease(1), &[0]);
    }
    hello.add_version(grease(2));
    let (first, last) = (grease(3), grease(4));
    hello.extensions.insert(0, (first, Vec::new()));
    // Two extensions of one type would be an error.
    let last = if last == first { last ^ 0x1010 } else { last };
    hello.extensions.push((last, vec![0]));
    let name = hello.extension(super::client_hello::extension::SERVER_NAME).map_or(0, <[u8]>::len);
    Some(hello.padded_to(LENGTH + name).message())
}

/// One of the sixteen reserved values.
fn grease(byte: u8) -> u16 {
    let byte = byte & 0xf0 | 0x0a;
    u16::from_be_bytes([byte, byte])
}

/// Whether a value is one of those reserved for GREASE.
#[must_use]
pub fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}
