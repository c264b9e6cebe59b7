//! Every input the fuzzer kept, fed to the decoder it was kept for.
#![cfg(feature = "net")]
#![expect(clippy::expect_used, reason = "what a decoder promises and does not keep ends the test")]

use netcheck_lab::corpus::replay;

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

const HOME: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn kept_answers_of_resolvers_are_read_well() {
    replay(HOME, "answer", answer::decode);
}

#[test]
fn kept_chains_are_read_well() {
    replay(HOME, "chain", chain::decode);
}

#[test]
fn kept_records_are_read_well() {
    replay(HOME, "record", record::decode);
}

#[test]
fn kept_resolv_confs_and_hosts_files_are_read_well() {
    replay(HOME, "system", system::decode);
}

#[test]
fn kept_targets_are_read_well() {
    replay(HOME, "target", target::decode);
}

#[test]
fn kept_answers_of_proxies_are_read_well() {
    replay(HOME, "tunnel", tunnel::decode);
}
