//! S0, S1 and S2, and peers that speak something else.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[expect(dead_code, reason = "every judgement is made, not every name is used")]
#[path = "../../src/handshake.rs"]
mod handshake;

fuzz_target!(|bytes: &[u8]| {
    let hello = [3; handshake::HELLO];
    let stranger = handshake::stranger(bytes);
    assert!(!stranger.word().is_empty() && !stranger.noun().is_empty());
    let _ = handshake::echoes(&hello, bytes);
    if let Some(answer) = handshake::answer(&hello, bytes) {
        assert_eq!(bytes.len(), handshake::ANSWER);
        assert_eq!(answer.echo, bytes[1545..] == hello[9..]);
    }
});
