//! Every input the fuzzer kept, fed to the decoder it was kept for.

use netcheck_lab::corpus::replay;

#[path = "../fuzz/decoders/amf.rs"]
mod amf;
#[path = "../fuzz/decoders/chunks.rs"]
mod chunks;
#[path = "../fuzz/decoders/handshake.rs"]
mod handshake;

const HOME: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn kept_values_are_read_well() {
    replay(HOME, "amf", amf::decode);
}

#[test]
fn kept_chunk_streams_are_read_well() {
    replay(HOME, "chunks", chunks::decode);
}

#[test]
fn kept_handshakes_are_read_well() {
    replay(HOME, "handshake", handshake::decode);
}
