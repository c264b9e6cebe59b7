//! The user of this process, the name of this machine, and folders that nobody else reads.

use std::io;
use std::path::Path;

use crate::system;

/// The number of the effective user; 0 where users have none.
#[must_use]
pub fn id() -> u32 {
    system::user::id()
}

/// This machine's own name, as it was set.
#[must_use]
pub fn host_name() -> String {
    system::user::host_name()
}

/// Makes a folder that only this user may read.
///
/// # Errors
/// What the system says.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    system::user::make_private_folder(folder)
}
