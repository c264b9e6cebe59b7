//! Every input the fuzzer kept, fed to the decoder it was kept for.

use netcheck_lab::corpus::replay;

#[path = "../fuzz/decoders/message.rs"]
mod message;
#[path = "../fuzz/decoders/reply.rs"]
mod reply;
#[path = "../fuzz/decoders/spf.rs"]
mod spf;

const HOME: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn kept_messages_are_read_well() {
    replay(HOME, "message", message::decode);
}

#[test]
fn kept_answers_of_servers_are_read_well() {
    replay(HOME, "reply", reply::decode);
}

#[test]
fn kept_spf_records_are_read_well() {
    replay(HOME, "spf", spf::decode);
}
