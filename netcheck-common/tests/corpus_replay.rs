//! Every input the fuzzer kept, fed to the decoder it was kept for.
#![cfg(feature = "net")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a corpus that cannot be read ends the test")]

use std::fs;
use std::path::Path;

#[path = "../fuzz/decoders/answer.rs"]
mod answer;
#[path = "../fuzz/decoders/chain.rs"]
mod chain;
#[path = "../fuzz/decoders/record.rs"]
mod record;
#[path = "../fuzz/decoders/system.rs"]
mod system;
#[path = "../fuzz/decoders/target.rs"]
mod target;
#[path = "../fuzz/decoders/tunnel.rs"]
mod tunnel;

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
fn kept_answers_of_resolvers_are_read_well() {
    replay("answer", answer::decode);
}

#[test]
fn kept_chains_are_read_well() {
    replay("chain", chain::decode);
}

#[test]
fn kept_records_are_read_well() {
    replay("record", record::decode);
}

#[test]
fn kept_resolv_confs_and_hosts_files_are_read_well() {
    replay("system", system::decode);
}

#[test]
fn kept_targets_are_read_well() {
    replay("target", target::decode);
}

#[test]
fn kept_answers_of_proxies_are_read_well() {
    replay("tunnel", tunnel::decode);
}
