//! An answer to the upgrade, come in pieces that the input chooses: the same answer however it is cut.
#![no_main]

#[path = "../decoders/upgrade.rs"]
mod decoder;
#[expect(dead_code, reason = "only reading is fuzzed")]
#[path = "../../src/upgrade.rs"]
mod upgrade;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
