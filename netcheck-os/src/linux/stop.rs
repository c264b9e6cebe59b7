//! Signals that end a program (signal(7)).

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal as listen};

use crate::stop::{HANGUP, INTERRUPT, TERMINATE};

pub(crate) fn signal(with_hangup: bool) -> impl Future<Output = u8> {
    let hangup = with_hangup.then(|| listen(SignalKind::hangup())).transpose();
    let listening = (listen(SignalKind::interrupt()), listen(SignalKind::terminate()), hangup);
    async {
        let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = listening else {
            return std::future::pending().await;
        };
        let hangup = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => INTERRUPT,
            _ = terminate.recv() => TERMINATE,
            Some(()) = hangup => HANGUP,
        }
    }
}

pub(crate) fn interrupt(pid: u32) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGINT);
    }
}
