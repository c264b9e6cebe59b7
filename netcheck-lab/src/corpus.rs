//! What a fuzzer kept, read again: `CRATE/fuzz/corpus/DECODER`, one input a file.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

/// Feeds every kept input of one decoder to it; `home` is the crate's folder (`env!("CARGO_MANIFEST_DIR")`).
///
/// # Panics
/// The decoder panics, which names the input; or there is no corpus.
pub fn replay(home: &str, decoder: &str, decode: fn(&[u8])) {
    let mut count = 0;
    for entry in fs::read_dir(Path::new(home).join("fuzz/corpus").join(decoder)).unwrap() {
        let file = entry.unwrap().path();
        let bytes = fs::read(&file).unwrap();
        assert!(catch_unwind(|| decode(&bytes)).is_ok(), "{}", file.display());
        count += 1;
    }
    assert!(count > 0, "the corpus of {decoder} is gone");
}
