//! The files of an rpm package: a cpio archive in the format "new ASCII" (cpio(5)).

use std::fmt::Write as _;

/// The bits of a mode that tell the type of a file, and two types (stat(2)).
const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// One file, link or folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    /// Its path, without a slash at its beginning.
    pub(super) path: &'a str,
    /// Its type and mode.
    pub(super) mode: u32,
    /// What it holds; of a link, where it leads.
    pub(super) bytes: &'a [u8],
    /// Its number, which no other has.
    pub(super) inode: u32,
}

impl Entry<'_> {
    /// Whether it is a regular file.
    pub(super) fn is_file(&self) -> bool {
        self.mode & TYPE == REGULAR
    }

    /// Where a link leads.
    pub(super) fn link(&self) -> Option<String> {
        (self.mode & TYPE == LINK).then(|| String::from_utf8_lossy(self.bytes).into_owned())
    }
}

/// The archive: each path begins with "./", every file has the time `mtime`.
pub(super) fn archive(entries: &[Entry<'_>], mtime: u64) -> Vec<u8> {
    let mut archive = Vec::new();
    for entry in entries {
        let fields = [
            u64::from(entry.inode),
            u64::from(entry.mode),
            0,
            0,
            1,
            mtime,
            entry.bytes.len() as u64,
            0,
            0,
            0,
            0,
        ];
        append(&mut archive, &format!("./{}", entry.path), fields, entry.bytes);
    }
    append(&mut archive, "TRAILER!!!", [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], &[]);
    archive
}

/// Adds one entry: inode, mode, user, group, links, time, size, and the device numbers; name and data are padded.
fn append(archive: &mut Vec<u8>, name: &str, fields: [u64; 11], bytes: &[u8]) {
    let mut head = String::from("070701");
    for field in fields.into_iter().chain([name.len() as u64 + 1, 0]) {
        let _ = write!(head, "{field:08x}");
    }
    archive.extend(head.bytes().chain(name.bytes()).chain([0]));
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive.extend(bytes);
    archive.resize(archive.len().next_multiple_of(4), 0);
}
