//! Every input the fuzzer kept, fed to the decoder it was kept for.

use netcheck_lab::corpus::replay;

#[path = "../fuzz/decoders/answer.rs"]
mod answer;
#[path = "../fuzz/decoders/script.rs"]
mod script;

const HOME: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn kept_answers_are_read_well() {
    replay(HOME, "answer", answer::decode);
}

#[test]
fn kept_scripts_are_read_well() {
    replay(HOME, "script", script::decode);
}
