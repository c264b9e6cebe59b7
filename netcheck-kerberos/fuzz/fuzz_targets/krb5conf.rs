//! krb5.conf, and what is asked of it.
#![no_main]

#[path = "../decoders/krb5conf.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
