//! SIGINT, SIGTERM and SIGHUP as events, SIGHUP unless it was ignored at the start. Nothing is blocked: tools that are started get the signals themselves.

use std::sync::mpsc::SyncSender;

use netcheck_os::stop;

use crate::child::Event;

/// Turns what asks this program to stop into events.
///
/// # Errors
/// The system gives no descriptors or no thread for it.
pub(crate) fn listen(events: SyncSender<Event>) -> Result<(), String> {
    let each = move |signal| events.send(Event::Signal(signal)).is_ok();
    stop::listen(!stop::hangup_is_ignored(), each)
        .map_err(|why| format!("signals cannot be waited for: {why}"))
}

/// The exit code after a signal.
pub(crate) fn code(signal: u8) -> u8 {
    128 + signal
}
