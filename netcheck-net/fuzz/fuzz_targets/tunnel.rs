//! A proxy's answer to CONNECT, and whether its page is a known one.
#![no_main]

#[path = "../decoders/tunnel.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
