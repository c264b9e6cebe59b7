//! Every input the fuzzer kept, fed to the decoder it was kept for.

use std::fs;
use std::path::Path;

#[path = "../fuzz/decoders/profile.rs"]
mod profile;
#[path = "../fuzz/decoders/report.rs"]
mod report;

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
fn kept_files_of_records_are_reported_well() {
    replay("report", report::decode);
}

#[test]
fn kept_profiles_are_read_well() {
    replay("profile", profile::decode);
}
