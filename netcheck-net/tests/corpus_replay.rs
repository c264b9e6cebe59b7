//! Every input the fuzzer kept, fed to the decoder it was kept for.

use netcheck_lab::corpus::replay;

#[path = "../fuzz/decoders/answer.rs"]
mod answer;
#[path = "../fuzz/decoders/chain.rs"]
mod chain;
#[path = "../fuzz/decoders/system.rs"]
mod system;
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
fn kept_resolv_confs_and_hosts_files_are_read_well() {
    replay(HOME, "system", system::decode);
}

#[test]
fn kept_answers_of_proxies_are_read_well() {
    replay(HOME, "tunnel", tunnel::decode);
}
