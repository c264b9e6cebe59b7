//! What asks a process to stop: signals, by their numbers.

use std::future::Future;

use crate::system;

/// SIGHUP, SIGINT and SIGTERM by their numbers.
pub const HANGUP: u8 = 1;
/// SIGINT.
pub const INTERRUPT: u8 = 2;
/// SIGTERM.
pub const TERMINATE: u8 = 15;

/// The next signal that asks this process to stop. It listens from this call on, within an event loop, not only from
/// the first wait. A system where listening fails brings none.
pub fn signal(with_hangup: bool) -> impl Future<Output = u8> {
    system::stop::signal(with_hangup)
}

/// Asks another process, a child of this one, to stop as Ctrl-C does.
pub fn interrupt(pid: u32) {
    system::stop::interrupt(pid);
}
