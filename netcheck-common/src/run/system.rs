//! What the system lets a run have: an event loop, descriptors and memory; and the run that started this tool.

use std::os::unix::net::UnixStream;
use std::{env, fs, io};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, getppid};
use tokio::runtime::Runtime;

use super::output::report_error;

/// The variable in which `netcheck` says that it started this tool: its process id.
const PARENT: &str = "NETCHECK_PARENT";
/// What a target may take of the memory: its stages, their buffers, and its diagnosis, which takes most of it.
const TARGET: u64 = 384 << 10;
/// What the run takes of the memory besides its targets: threads with their stacks, roots, experiments.
const RUN: u64 = 16 << 20;

/// Takes signals whatever mask was inherited, and ends with the run that started this tool, even when it is killed.
///
/// # Errors
/// That run has ended already.
pub(super) fn follow_parent() -> Result<(), &'static str> {
    let wanted: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    // It cannot fail for these.
    let _ = wanted.thread_unblock();
    let named = env::var(PARENT).ok().and_then(|text| text.parse().ok()).map(Pid::from_raw);
    let Some(parent) = named.filter(|named| *named == getppid()) else { return Ok(()) };
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGTERM);
    // It may have ended before the system was told.
    if getppid() == parent { Ok(()) } else { Err("the run that started it has ended") }
}

/// The event loop of the first lane. tokio panics where the last descriptors run out while it is built, so as many as
/// it needs are opened first.
///
/// # Errors
/// The system gives no descriptors for it.
pub(super) fn event_loop() -> io::Result<Runtime> {
    let spare = (0..3).map(|_| UnixStream::pair()).collect::<io::Result<Vec<_>>>()?;
    drop(spare);
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// How many targets there may be at once: no more than there are descriptors and memory for.
pub(super) fn jobs(asked: u32) -> usize {
    let asked = asked as usize;
    let files = descriptors(asked);
    if files < asked {
        report_error(&format!("--jobs {asked} lowered to {files}: the system's limit of open files"));
    }
    let memory = memory().unwrap_or(usize::MAX);
    if memory < asked.min(files) {
        report_error(&format!("--jobs {asked} lowered to {memory}: the system's limit of memory"));
    }
    asked.min(files).min(memory)
}

/// More targets at once than descriptors would only wait for each other.
fn descriptors(asked: usize) -> usize {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return asked };
    let wanted = (asked as u64).saturating_mul(4).saturating_add(64);
    if wanted > soft {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted.min(hard), hard);
    }
    // Some are for the program itself; what is short all the same is waited for.
    let own = (hard / 4).clamp(16, 64);
    usize::try_from(hard.saturating_sub(own)).unwrap_or(usize::MAX).max(1)
}

/// How many targets the limit of this process's memory leaves room for, where there is one.
fn memory() -> Option<usize> {
    let (soft, _) = getrlimit(Resource::RLIMIT_AS).ok()?;
    if soft == nix::libc::RLIM_INFINITY {
        return None;
    }
    // proc(5): the first number is the size of the address space, in pages. Without /proc all of the limit is counted.
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').next().and_then(|pages| pages.parse().ok()).unwrap_or(0);
    let room = soft.saturating_sub(pages * 4096).saturating_sub(RUN) / TARGET;
    Some(usize::try_from(room).unwrap_or(usize::MAX).max(1))
}
