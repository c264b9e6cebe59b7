//! Whose a file is: whether its name still leads to it, and who else may write beside it.

use std::fs::File;
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
