//! The chunk stream and the messages in it, cut into segments that the input chooses.
#![no_main]

#[expect(dead_code, reason = "only reading is fuzzed")]
#[path = "../../src/amf.rs"]
mod amf;
#[expect(dead_code, reason = "only reading is fuzzed")]
#[path = "../../src/chunk.rs"]
mod chunk;
#[path = "../decoders/chunks.rs"]
mod decoder;
#[expect(dead_code, reason = "only reading is fuzzed")]
#[path = "../../src/event.rs"]
mod event;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
