//! A file of announced prefixes: our own list, goog.json or an ASN database, and addresses looked up in it.
#![no_main]
#![expect(dead_code, reason = "only reading is fuzzed")]

#[path = "../../src/asn.rs"]
mod asn;
#[path = "../decoders/networks.rs"]
mod decoder;
#[path = "../../src/networks.rs"]
mod networks;
#[path = "../../src/prefixes.rs"]
mod prefixes;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
