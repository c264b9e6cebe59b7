//! A script as it was served.
#![no_main]

#[path = "../decoders/script.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
