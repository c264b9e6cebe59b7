//! What the system lets this process have: descriptors and memory.

use std::io;

use crate::system;

/// Raises the limit of open files to what is wanted, as far as the system lets it: the most there may be, none where
/// the system has no such limit.
#[must_use]
pub fn raise_files(wanted: u64) -> Option<u64> {
    system::limits::raise_files(wanted)
}

/// The limit of this process's memory in bytes, and how much of it is used; none where there is no limit.
#[must_use]
pub fn memory() -> Option<(u64, u64)> {
    system::limits::memory()
}

/// Opens as many descriptors as an event loop needs, and closes them again.
///
/// # Errors
/// The system gives none.
pub fn try_descriptors() -> io::Result<()> {
    system::limits::try_descriptors()
}
