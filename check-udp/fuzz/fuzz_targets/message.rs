//! STUN and TURN messages: whatever comes in, reading ends without a panic, and every value lies inside the message.
#![no_main]

#[path = "../decoders/message.rs"]
mod decoder;
#[expect(dead_code, reason = "the fuzzer reads, the check writes too")]
#[path = "../../src/message.rs"]
mod message;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
