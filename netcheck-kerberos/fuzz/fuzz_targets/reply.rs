//! What a KDC answers, and what a proxy sends beside a 407.
#![no_main]

#[path = "../decoders/reply.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
