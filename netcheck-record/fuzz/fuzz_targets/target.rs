//! What a person writes: what is read as a target is written so that it reads the same again.
#![no_main]

#[path = "../decoders/target.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
