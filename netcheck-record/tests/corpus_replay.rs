//! Every input the fuzzer kept, fed to the decoder it was kept for.
#![expect(clippy::expect_used, reason = "what a decoder promises and does not keep ends the test")]

use netcheck_lab::corpus::replay;

#[path = "../fuzz/decoders/record.rs"]
mod record;
#[path = "../fuzz/decoders/target.rs"]
mod target;

const HOME: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn kept_records_are_read_well() {
    replay(HOME, "record", record::decode);
}

#[test]
fn kept_targets_are_read_well() {
    replay(HOME, "target", target::decode);
}
