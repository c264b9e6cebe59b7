//! A resolver's answer to a question of ours: bounded, and harmless in a record.
#![no_main]

#[path = "../decoders/answer.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
