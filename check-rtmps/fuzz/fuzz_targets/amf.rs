//! AMF0: what is read is written and read again, and stays the same.
#![no_main]

#[expect(dead_code, reason = "only codecs are fuzzed")]
#[path = "../../src/amf.rs"]
mod amf;
#[path = "../decoders/amf.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
