//! The console's events: Ctrl-C, Ctrl-Break, the window that is closed, the system that shuts down.
#![expect(unsafe_code, reason = "no crate offers them without an event loop; see the block")]

#[cfg(feature = "runtime")]
use std::future::Future;
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use windows_sys::Win32::System::Console::{
    CTRL_BREAK_EVENT, CTRL_C_EVENT, CTRL_CLOSE_EVENT, CTRL_SHUTDOWN_EVENT, SetConsoleCtrlHandler,
};
use windows_sys::core::BOOL;

use crate::stop::{HANGUP, INTERRUPT, TERMINATE};

/// Who learns of an event: the handler is a function without a place for anything of its own.
static LISTENER: Mutex<Option<Sender<u8>>> = Mutex::new(None);

#[cfg(feature = "runtime")]
pub(crate) fn signal(_: bool) -> impl Future<Output = u8> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
    let listening = (ctrl_c(), ctrl_break(), ctrl_close(), ctrl_shutdown());
    async {
        let (Ok(mut interrupt), Ok(mut terminate), Ok(mut closed), Ok(mut shutdown)) = listening else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => INTERRUPT,
            _ = terminate.recv() => TERMINATE,
            _ = closed.recv() => HANGUP,
            _ = shutdown.recv() => TERMINATE,
        }
    }
}

pub(crate) fn listen(_: bool, mut each: impl FnMut(u8) -> bool + Send + 'static) -> io::Result<()> {
    let (sender, events) = channel();
    *LISTENER.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    thread::Builder::new().spawn(move || {
        let _ = events.iter().all(&mut each);
    })?;
    // SAFETY: the function has the signature that is asked for and lives as long as the program; it may run on any thread
    // at any time, and touches nothing but a mutex.
    let set = unsafe { SetConsoleCtrlHandler(Some(event), 1) };
    if set == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// One event: 1 where somebody learns of it, so that the system does not end this process.
extern "system" fn event(kind: u32) -> BOOL {
    let signal = match kind {
        CTRL_C_EVENT => INTERRUPT,
        CTRL_BREAK_EVENT | CTRL_SHUTDOWN_EVENT => TERMINATE,
        CTRL_CLOSE_EVENT => HANGUP,
        _ => return 0,
    };
    let listener = LISTENER.lock().unwrap_or_else(PoisonError::into_inner);
    BOOL::from(listener.as_ref().is_some_and(|listener| listener.send(signal).is_ok()))
}

pub(crate) fn hangup_is_ignored() -> bool {
    false
}
