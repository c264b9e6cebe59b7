//! A file of records, as every form of report, as what changed, and as a baseline.
#![no_main]

use netcheck::fuzz;

#[path = "../decoders/report.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
