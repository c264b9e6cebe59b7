//! SIGINT and SIGTERM as events, without a handler.

use std::process::Child;
use std::sync::mpsc::SyncSender;
use std::thread;

use nix::sys::signal::{self, SigSet, Signal};
use nix::unistd::Pid;

use crate::child::Event;

/// Turns SIGINT and SIGTERM into events. Called before any other thread is started, since threads inherit what is
/// blocked; children do not: the standard library clears their mask.
pub(crate) fn listen(events: SyncSender<Event>) {
    let mut set = SigSet::empty();
    set.add(Signal::SIGINT);
    set.add(Signal::SIGTERM);
    if set.thread_block().is_err() {
        return;
    }
    thread::spawn(move || {
        while let Ok(signal) = set.wait() {
            if events.send(Event::Signal(signal)).is_err() {
                return;
            }
        }
    });
}

/// Asks a child to end. It has not been waited for, so its pid is still its own.
pub(crate) fn end(child: &Child, signal: Signal) {
    if let Ok(pid) = i32::try_from(child.id()) {
        let _ = signal::kill(Pid::from_raw(pid), signal);
    }
}

/// The exit code after a signal.
pub(crate) fn code(signal: Signal) -> u8 {
    if signal == Signal::SIGTERM { 143 } else { 130 }
}
