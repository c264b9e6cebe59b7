//! Every input the fuzzer kept, fed to the decoder it was kept for.

use netcheck_lab::corpus::replay;

#[path = "../fuzz/decoders/networks.rs"]
mod networks;
#[path = "../fuzz/decoders/origin.rs"]
mod origin;

const HOME: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn kept_lists_of_networks_are_read_well() {
    replay(HOME, "networks", networks::decode);
}

#[test]
fn kept_answers_to_a_sender_are_read_well() {
    replay(HOME, "origin", origin::decode);
}
