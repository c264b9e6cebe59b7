//! S0, S1 and S2, and peers that speak another protocol.

use crate::handshake_bytes as handshake;

/// Reads it as an answer, as an echo, and as another protocol's first words.
pub fn decode(bytes: &[u8]) {
    let hello = [3; handshake::HELLO];
    let foreign = handshake::foreign_protocol(bytes);
    assert!(!foreign.word().is_empty() && !foreign.noun().is_empty());
    let _ = handshake::echoes(&hello, bytes);
    if let Some(answer) = handshake::answer(&hello, bytes) {
        assert_eq!(bytes.len(), handshake::ANSWER);
        assert_eq!(answer.echo, bytes[1545..] == hello[9..]);
    }
}
