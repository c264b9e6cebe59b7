//! What this machine lacks for a moment (descriptors, ports, memory): waited out, and never said of a target.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use netcheck_os::errno::{self, Kind};

use crate::clock;
use netcheck_record::failure::{Code, Failure};

/// How soon it is tried again.
const AGAIN: Duration = Duration::from_millis(20);

tokio::task_local! {
    /// Whether the stage of a target, or a control of it, waits for what this machine lacks.
    static SHORT: Cell<bool>;
}

/// Runs the check of one target, or a control of it, whose shortages are its own.
pub fn scope<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    SHORT.scope(Cell::new(false), work)
}

/// A stage begins: what was waited for before it is none of its matter.
pub fn reset() {
    let _ = SHORT.try_with(|known| known.set(false));
}

/// Whether what is being done has been waiting for what this machine lacks.
pub(crate) fn is_now() -> bool {
    SHORT.try_with(Cell::get).unwrap_or_default()
}

/// The failure, unless this machine was to blame: then no target is.
pub fn blame(failure: Failure) -> Failure {
    if !is_now() {
        return failure;
    }
    let detail = "this machine had no descriptor, port or memory left for it: ask for fewer --jobs, or raise \
                  the limit (ulimit -n, net.ipv4.ip_local_port_range)";
    Failure::new(Code::Internal, detail)
}

/// Tries until this machine has what is needed, or the caller gives up.
///
/// # Errors
/// What is no shortage.
pub(crate) async fn retry<T>(to: SocketAddr, start: impl Fn() -> io::Result<T>) -> io::Result<T> {
    loop {
        let started = start();
        let short = started.as_ref().is_err_and(|error| is_shortage(error, to));
        let _ = SHORT.try_with(|known| known.set(short));
        if !short {
            return started;
        }
        clock::pause(AGAIN).await;
    }
}

/// Whether it passes, and is no word about the target.
fn is_shortage(error: &io::Error, to: SocketAddr) -> bool {
    match errno::kind(error) {
        Kind::Shortage => true,
        // Without any IPv6 address the kernel says the same as without a free port.
        Kind::NoAddress => to.is_ipv4(),
        _ => false,
    }
}
