//! What a script answers, and the lists of addresses that scripts handle.
#![no_main]

#[path = "../decoders/answer.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
