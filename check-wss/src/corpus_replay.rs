//! Every input the fuzzer kept, fed to the decoder it was kept for.

use netcheck_lab::corpus::replay;

#[path = "../fuzz/decoders/upgrade.rs"]
mod upgrade;

const HOME: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn kept_answers_to_an_upgrade_are_read_well() {
    replay(HOME, "upgrade", upgrade::decode);
}
