//! Signals that end a program (signal(7)).

#[cfg(feature = "runtime")]
use std::future::Future;
use std::io;
use std::thread;

use nix::sys::signal::SigSet;
use signal_hook::iterator::Signals;
#[cfg(feature = "runtime")]
use tokio::signal::unix::{SignalKind, signal as listen_within};

use super::parent::WANTED;
use crate::stop::HANGUP;
#[cfg(feature = "runtime")]
use crate::stop::{INTERRUPT, TERMINATE};

/// The line of proc(5) with the signals that are ignored, as a mask in hexadecimal.
const IGNORED: &str = "SigIgn:";

#[cfg(feature = "runtime")]
pub(crate) fn signal(with_hangup: bool) -> impl Future<Output = u8> {
    let hangup = with_hangup.then(|| listen_within(SignalKind::hangup())).transpose();
    let listening = (listen_within(SignalKind::interrupt()), listen_within(SignalKind::terminate()), hangup);
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

pub(crate) fn listen(with_hangup: bool, mut each: impl FnMut(u8) -> bool + Send + 'static) -> io::Result<()> {
    let wanted = WANTED.into_iter().filter(|signal| with_hangup || *signal as i32 != i32::from(HANGUP));
    // It cannot fail for these.
    let _ = wanted.clone().collect::<SigSet>().thread_unblock();
    let mut signals = Signals::new(wanted.map(|signal| signal as i32))?;
    let waiting = move || {
        let mut numbers = signals.forever().filter_map(|number| u8::try_from(number).ok());
        let _ = numbers.all(&mut each);
    };
    thread::Builder::new().spawn(waiting).map(drop)
}

pub(crate) fn hangup_is_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| says_ignored(&status))
}

fn says_ignored(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix(IGNORED));
    // The lowest bit of a mask is the signal with the number 1.
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask >> (HANGUP - 1) & 1 != 0)
}

#[cfg(test)]
mod tests {
    use super::says_ignored;

    #[test]
    fn the_lowest_bit_of_the_mask_is_sighup() {
        let status = |mask| format!("Name:\tcheck-tcp\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\n");
        assert!(says_ignored(&status("0000000000001001")));
        assert!(!says_ignored(&status("0000000000001000")));
        assert!(!says_ignored("Name:\tcheck-tcp\n"));
    }
}
