//! Numbers of files; folders are their users' own, and making a link takes a privilege.
#![expect(unsafe_code, reason = "the standard library does not tell the number of a file; see the block")]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::io::AsRawHandle;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{BY_HANDLE_FILE_INFORMATION, GetFileInformationByHandle};

pub(crate) fn is_named(file: &File, path: &Path) -> bool {
    let named = File::open(path).ok().and_then(|named| number(&named));
    named.is_some() && named == number(file)
}

/// The numbers of the volume and of the file in it.
fn number(file: &File) -> Option<(u32, u32, u32)> {
    let mut about = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open while `file` is borrowed; the system writes one such structure, which outlives the call.
    let told = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut about) };
    (told != 0).then_some((about.dwVolumeSerialNumber, about.nFileIndexHigh, about.nFileIndexLow))
}

pub(crate) fn everybody_writes_to(_: &Path) -> bool {
    false
}

/// A user's folders are the user's own.
pub(crate) fn make_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
