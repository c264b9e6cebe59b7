//! Every input the fuzzer kept, fed to the decoder it was kept for.

use std::fs;
use std::path::Path;

#[path = "../fuzz/decoders/networks.rs"]
mod networks;
#[path = "../fuzz/decoders/origin.rs"]
mod origin;

/// Feeds every kept input of one decoder to it.
fn replay(name: &str, decode: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let bytes = fs::read(&file).unwrap();
        assert!(std::panic::catch_unwind(|| decode(&bytes)).is_ok(), "{}", file.display());
        count += 1;
    }
    assert!(count > 0, "the corpus of {name} is gone");
}

#[test]
fn kept_lists_of_networks_are_read_well() {
    replay("networks", networks::decode);
}

#[test]
fn kept_answers_to_a_sender_are_read_well() {
    replay("origin", origin::decode);
}
