//! Certificates as a peer presents them, each behind its length in two bytes.
#![no_main]

#[path = "../decoders/chain.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
