//! Any bytes as an SPF record.
#![no_main]
#![expect(dead_code, reason = "the target takes more than it calls")]

#[path = "../decoders/spf.rs"]
mod decoder;
#[path = "../../src/spf"]
mod spf {
    pub mod domain_spec;
    pub mod record;
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
