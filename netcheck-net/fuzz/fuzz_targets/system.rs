//! The text of a resolv.conf, and of a hosts file.
#![no_main]

#[path = "../decoders/system.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
