//! Every input the fuzzer kept, fed to the decoder it was kept for.

use netcheck_lab::corpus::replay;

#[path = "../fuzz/decoders/playlist.rs"]
mod playlist;

const HOME: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn kept_playlists_are_read_well() {
    replay(HOME, "playlist", playlist::decode);
}
