//! check-push against stand-ins of Apple's and Google's services, through the real binary.
#![expect(clippy::unwrap_used, reason = "a test server that cannot start ends the test")]

mod addresses;
mod devices;
mod fake_service;
mod flags;
mod handshakes;
mod holds;
mod hostile;
mod senders;
