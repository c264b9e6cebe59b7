//! A keytab.
#![no_main]

#[path = "../decoders/keytab.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
