//! The chunk stream and the messages in it, cut into segments that the input chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[expect(dead_code, reason = "only reading is fuzzed")]
#[path = "../../src/amf.rs"]
mod amf;
#[expect(dead_code, reason = "only reading is fuzzed")]
#[path = "../../src/chunk.rs"]
mod chunk;
#[expect(dead_code, reason = "only reading is fuzzed")]
#[path = "../../src/event.rs"]
mod event;

fuzz_target!(|bytes: &[u8]| {
    let Some((step, bytes)) = bytes.split_first() else { return };
    let mut chunks = chunk::Chunks::default();
    for segment in bytes.chunks(usize::from(*step).max(1)) {
        chunks.push(segment);
        loop {
            match chunks.message() {
                Ok(Some(message)) => {
                    assert!(message.body.len() <= chunk::LONGEST);
                    let _ = event::Event::read(&message);
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
});
