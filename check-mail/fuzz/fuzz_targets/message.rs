//! Any bytes as a message: no panic, and nothing in the result that grows without bound.
#![no_main]
#![expect(dead_code, reason = "the target takes more than it calls")]

#[path = "../decoders/message.rs"]
mod decoder;
#[path = "../../src/message/mod.rs"]
mod message;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
