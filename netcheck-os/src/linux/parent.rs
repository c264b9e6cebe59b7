//! The parent process: `PR_SET_PDEATHSIG` (prctl(2)).

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, getppid};

/// The signals that ask a program to end.
pub(super) const WANTED: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

pub(crate) fn follow(named: Option<u32>) -> Result<(), &'static str> {
    let wanted: SigSet = WANTED.into_iter().collect();
    // It cannot fail for these.
    let _ = wanted.thread_unblock();
    let named = named.and_then(|named| i32::try_from(named).ok()).map(Pid::from_raw);
    let Some(parent) = named.filter(|named| *named == getppid()) else { return Ok(()) };
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGTERM);
    // It may have ended before the system was told.
    if getppid() == parent { Ok(()) } else { Err("the run that started it has ended") }
}
