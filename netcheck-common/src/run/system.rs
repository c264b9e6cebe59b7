//! What the system lets a run have: an event loop, descriptors and memory; and the run that started this tool.

use std::{env, io};

use netcheck_os::{limits, parent};
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
    parent::follow(env::var(PARENT).ok().and_then(|text| text.parse().ok()))
}

/// The event loop of the first lane. tokio panics where the last descriptors run out while it is built, so as many as
/// it needs are opened first.
///
/// # Errors
/// The system gives no descriptors for it.
pub(super) fn event_loop() -> io::Result<Runtime> {
    limits::try_descriptors()?;
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
    let wanted = (asked as u64).saturating_mul(4).saturating_add(64);
    let Some(hard) = limits::raise_files(wanted) else { return asked };
    // Some are for the program itself; what is short all the same is waited for.
    let own = (hard / 4).clamp(16, 64);
    usize::try_from(hard.saturating_sub(own)).unwrap_or(usize::MAX).max(1)
}

/// How many targets the limit of this process's memory leaves room for, where there is one.
fn memory() -> Option<usize> {
    let (most, used) = limits::memory()?;
    let room = most.saturating_sub(used).saturating_sub(RUN) / TARGET;
    Some(usize::try_from(room).unwrap_or(usize::MAX).max(1))
}
