//! Windows has no limit of handles or memory that a process would have to know.

use std::io;

pub(crate) fn raise_files(_: u64) -> Option<u64> {
    None
}

pub(crate) fn memory() -> Option<(u64, u64)> {
    None
}

pub(crate) fn try_descriptors() -> io::Result<()> {
    Ok(())
}
