//! A profile: read, laid onto the one it extends, searched for faults, and made into a plan.
#![no_main]

use netcheck::fuzz;

#[path = "../decoders/profile.rs"]
mod decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
