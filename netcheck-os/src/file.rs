//! Whose a file is: whether its name still leads to it, and who else may write beside it.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::system;

/// Whether the name still leads to the file: another program may have renamed it.
#[must_use]
pub fn is_named(file: &File, path: &Path) -> bool {
    system::file::is_named(file, path)
}

/// Whether everybody may make files in a folder, as in /tmp.
#[must_use]
pub fn everybody_writes_to(folder: &Path) -> bool {
    system::file::everybody_writes_to(folder)
}

/// Makes a new file that only its owner may read.
///
/// # Errors
/// It is there, or cannot be made.
pub fn make_private(path: &Path) -> io::Result<File> {
    system::file::make_private(path)
}

/// Makes the names in a folder durable, where a system needs to be asked.
///
/// # Errors
/// The folder cannot be synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    system::file::sync_folder(folder)
}
