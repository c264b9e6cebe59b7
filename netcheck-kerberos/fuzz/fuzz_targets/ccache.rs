//! A credential cache, and a ticket looked up in it.
#![no_main]

#[path = "../decoders/ccache.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
