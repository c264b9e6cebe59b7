//! Limits of this process (getrlimit(2)), and its size (proc(5)).

use std::io;
use std::os::unix::net::UnixStream;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the soft limit of open files as far as the hard limit, which is returned.
pub(crate) fn raise_files(wanted: u64) -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    if wanted > soft {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted.min(hard), hard);
    }
    Some(hard)
}

/// The limit of this process's address space and what it uses of it, in bytes; `None` without a limit.
pub(crate) fn memory() -> Option<(u64, u64)> {
    let (soft, _) = getrlimit(Resource::RLIMIT_AS).ok()?;
    if soft == nix::libc::RLIM_INFINITY {
        return None;
    }
    // proc(5): the first number is the size of the address space, in pages. Without /proc all of the limit is counted.
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').next().and_then(|pages| pages.parse().ok()).unwrap_or(0);
    Some((soft, pages * 4096))
}

pub(crate) fn try_descriptors() -> io::Result<()> {
    let spare = (0..3).map(|_| UnixStream::pair()).collect::<io::Result<Vec<_>>>()?;
    drop(spare);
    Ok(())
}
