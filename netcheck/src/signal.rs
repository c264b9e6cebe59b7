//! SIGINT, SIGTERM and SIGHUP as events, SIGHUP unless it was ignored at the start. Nothing is blocked: tools that are started get the signals themselves.

use std::process::Child;
use std::sync::mpsc::SyncSender;
use std::thread;

use netcheck_record::hangup;
use nix::sys::signal::{self, SigSet, Signal};
use nix::unistd::Pid;
use signal_hook::iterator::Signals;

use crate::child::Event;

/// Turns SIGINT, SIGTERM and SIGHUP into events.
///
/// # Errors
/// The system gives no descriptors or no thread for it.
pub(crate) fn listen(events: SyncSender<Event>) -> Result<(), String> {
    let mut wanted = vec![Signal::SIGINT, Signal::SIGTERM];
    if !hangup::is_ignored() {
        wanted.push(Signal::SIGHUP);
    }
    // Whoever started this program may have blocked them; its tools inherit the mask, too.
    let _ = wanted.iter().copied().collect::<SigSet>().thread_unblock();
    let fault = |why| format!("signals cannot be waited for: {why}");
    let mut signals = Signals::new(wanted.into_iter().map(|signal| signal as i32)).map_err(fault)?;
    let waiting = thread::Builder::new().spawn(move || {
        for number in signals.forever() {
            let Ok(signal) = Signal::try_from(number) else { continue };
            if events.send(Event::Signal(signal)).is_err() {
                return;
            }
        }
    });
    waiting.map(drop).map_err(fault)
}

/// Asks a child to end. It has not been waited for, so its pid is still its own.
pub(crate) fn end(child: &Child, signal: Signal) {
    if let Ok(pid) = i32::try_from(child.id()) {
        let _ = signal::kill(Pid::from_raw(pid), signal);
    }
}

/// The exit code after a signal.
pub(crate) fn code(signal: Signal) -> u8 {
    match signal {
        Signal::SIGTERM => 143,
        Signal::SIGHUP => 129,
        _ => 130,
    }
}
