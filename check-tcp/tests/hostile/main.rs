//! check-tcp against peers that send too much, too slowly, or what would harm a terminal.
#![expect(clippy::unwrap_used, reason = "a server that cannot start ends the test")]

mod answers;
mod certificates;
mod handshakes;
mod names;
mod playlists;
mod proxies;
mod secrets;
mod shortage;
mod slow;
mod terminal;
mod trial;
