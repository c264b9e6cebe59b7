//! What asks a process to stop: signals, by their numbers.

#[cfg(feature = "runtime")]
use std::future::Future;
use std::io;

use crate::system;

/// SIGHUP, SIGINT and SIGTERM by their numbers.
pub const HANGUP: u8 = 1;
/// SIGINT.
pub const INTERRUPT: u8 = 2;
/// SIGTERM.
pub const TERMINATE: u8 = 15;

/// The next signal that asks this process to stop. It listens from this call on, within an event loop, not only from
/// the first wait. A system where listening fails brings none.
#[cfg(feature = "runtime")]
pub fn signal(with_hangup: bool) -> impl Future<Output = u8> {
    system::stop::signal(with_hangup)
}

/// Calls `each` for every signal that asks this process to stop, on a thread of its own, until it says no. Whatever mask
/// was inherited, the signals come, here and to programs that are started later.
///
/// # Errors
/// The system gives no descriptors or no thread for it.
pub fn listen(with_hangup: bool, each: impl FnMut(u8) -> bool + Send + 'static) -> io::Result<()> {
    system::stop::listen(with_hangup, each)
}

/// Whether SIGHUP was ignored when this program began: whoever starts it by nohup(1) wants it to outlive the terminal. To
/// be asked before anything listens to it; where the system does not say, it was not.
#[must_use]
pub fn hangup_is_ignored() -> bool {
    system::stop::hangup_is_ignored()
}
