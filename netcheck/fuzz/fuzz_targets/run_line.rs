//! A line at the beginning or the end of a run.
#![no_main]

use netcheck::fuzz;

#[path = "../decoders/run_line.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
