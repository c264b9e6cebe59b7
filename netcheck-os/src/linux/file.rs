//! Numbers and modes of files (stat(2)).

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub(crate) fn is_named(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(own), Ok(named)) => own.ino() == named.ino() && own.dev() == named.dev(),
        _ => false,
    }
}

pub(crate) fn everybody_writes_to(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|meta| meta.mode() & 0o002 != 0)
}
