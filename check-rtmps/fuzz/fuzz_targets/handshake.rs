//! S0, S1 and S2, and peers that speak another protocol.
#![no_main]

#[path = "../decoders/handshake.rs"]
mod decoder;
#[expect(dead_code, reason = "every judgement is made, not every name is used")]
#[path = "../../src/handshake_bytes.rs"]
mod handshake_bytes;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
