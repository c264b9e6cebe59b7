//! S0, S1 and S2, and peers that speak something else.

use crate::handshake;

/// Reads it as an answer, as an echo, and as a stranger's first words.
pub fn decode(bytes: &[u8]) {
    let hello = [3; handshake::HELLO];
    let stranger = handshake::stranger(bytes);
    assert!(!stranger.word().is_empty() && !stranger.noun().is_empty());
    let _ = handshake::echoes(&hello, bytes);
    if let Some(answer) = handshake::answer(&hello, bytes) {
        assert_eq!(bytes.len(), handshake::ANSWER);
        assert_eq!(answer.echo, bytes[1545..] == hello[9..]);
    }
}
