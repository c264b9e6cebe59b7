//! The chunk stream and the messages in it, cut into segments that the input chooses.

use crate::{chunk, event};

/// Reads every message in it.
pub fn decode(bytes: &[u8]) {
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
}
