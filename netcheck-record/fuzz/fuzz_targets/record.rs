//! A line that claims to be a record: what is read is written and read again, and stays the same.
#![no_main]

#[path = "../decoders/record.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
