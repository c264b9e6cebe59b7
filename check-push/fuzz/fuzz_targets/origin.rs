//! An answer to a sender without credentials: its first byte is the status, the rest the body.
#![no_main]
#![expect(dead_code, reason = "only reading is fuzzed")]

#[path = "../../src/asn.rs"]
mod asn;
#[path = "../decoders/origin.rs"]
mod decoder;
#[path = "../../src/networks.rs"]
mod networks;
#[path = "../../src/origin.rs"]
mod origin;
#[path = "../../src/prefixes.rs"]
mod prefixes;
#[path = "../../src/service.rs"]
mod service;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
