//! An HLS playlist of a hostile server: bounded lists, playable durations, and addresses that keep their server.
#![no_main]

#[path = "../decoders/playlist.rs"]
mod decoder;
#[path = "../../src/playlist.rs"]
mod playlist;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
