//! A folder before it is one: written out, packed or summed, always in the same order and with the same owner.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Mode of a program.
pub(crate) const PROGRAM: u32 = 0o755;
/// Mode of any other file.
pub(crate) const FILE: u32 = 0o644;
/// Mode of a symbolic link, whose bytes are where it leads.
const LINK: u32 = 0o777;

/// Files by their path, each with its mode.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree(BTreeMap<String, (u32, Vec<u8>)>);

impl Tree {
    /// Adds a file.
    pub(crate) fn add(&mut self, path: &str, mode: u32, bytes: impl Into<Vec<u8>>) {
        self.0.insert(path.to_owned(), (mode, bytes.into()));
    }

    /// Adds a symbolic link.
    pub(crate) fn link(&mut self, path: &str, to: &str) {
        self.add(path, LINK, to);
    }

    /// Keeps only the files whose path `wanted` says yes to.
    pub(crate) fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        self.0.retain(|path, _| wanted(path));
    }

    /// Adds a file of this machine.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn copy(&mut self, path: &str, mode: u32, from: &Path) -> Result<(), String> {
        self.add(path, mode, fs::read(from).map_err(|why| format!("{}: {why}", from.display()))?);
        Ok(())
    }

    /// Adds every file of a folder that is not hidden.
    ///
    /// # Errors
    /// Something cannot be read.
    pub(crate) fn folder(&mut self, path: &str, from: &Path) -> Result<(), String> {
        for entry in fs::read_dir(from).map_err(|why| format!("{}: {why}", from.display()))?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let below = format!("{path}/{name}");
            match entry.path() {
                _ if name.starts_with('.') => {}
                folder if folder.is_dir() => self.folder(&below, &folder)?,
                file => {
                    let mode = fs::metadata(&file).map_or(0, |found| found.permissions().mode());
                    self.copy(&below, if mode & 0o100 == 0 { FILE } else { PROGRAM }, &file)?;
                }
            }
        }
        Ok(())
    }

    /// Every file and link: its path, its type and mode (stat(2)), and its bytes, which for a link are where it leads.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, u32, &[u8])> {
        self.0.iter().map(|(path, (mode, bytes))| {
            let kind = if *mode == LINK { 0o120_000 } else { 0o100_000 };
            (path.as_str(), kind | mode, bytes.as_slice())
        })
    }

    /// The size of all files, in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.0.values().map(|(_, bytes)| bytes.len() as u64).sum()
    }

    /// What `sha256sum` prints of every file; a link has no contents of its own.
    pub(crate) fn sums(&self, prefix: &str) -> String {
        let files = self.0.iter().filter(|(_, (mode, _))| *mode != LINK);
        files.map(|(path, (_, bytes))| format!("{}  {prefix}{path}\n", sha256(bytes))).collect()
    }

    /// The files as they are on disk, in a folder that is made anew.
    ///
    /// # Errors
    /// The folder cannot be replaced.
    pub(crate) fn unpack(&self, folder: &Path) -> Result<(), String> {
        let put = || -> io::Result<()> {
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
            for (path, (mode, bytes)) in &self.0 {
                let to = folder.join(path);
                fs::create_dir_all(to.parent().unwrap_or(folder))?;
                if *mode == LINK {
                    symlink(OsStr::from_bytes(bytes), &to)?;
                    continue;
                }
                fs::write(&to, bytes)?;
                fs::set_permissions(&to, fs::Permissions::from_mode(*mode))?;
            }
            Ok(())
        };
        put().map_err(|why| format!("{}: {why}", folder.display()))
    }

    /// A tar archive: names in order, owner 0, `mtime` seconds after 1970 for every entry.
    ///
    /// # Errors
    /// A path too long for the format.
    pub(crate) fn tar(&self, prefix: &str, mtime: u64) -> Result<Vec<u8>, String> {
        let packed = || -> io::Result<Vec<u8>> {
            let mut archive = tar::Builder::new(Vec::new());
            let mut folders = BTreeSet::new();
            for (path, (mode, bytes)) in &self.0 {
                let path = format!("{prefix}{path}");
                for (end, _) in path.match_indices('/') {
                    if folders.insert(path[..=end].to_owned()) {
                        let mut header = header(tar::EntryType::Directory, PROGRAM, 0, mtime);
                        archive.append_data(&mut header, &path[..=end], io::empty())?;
                    }
                }
                if *mode == LINK {
                    let mut header = header(tar::EntryType::Symlink, LINK, 0, mtime);
                    archive.append_link(&mut header, &path, OsStr::from_bytes(bytes))?;
                    continue;
                }
                let mut header = header(tar::EntryType::Regular, *mode, bytes.len() as u64, mtime);
                archive.append_data(&mut header, &path, bytes.as_slice())?;
            }
            archive.into_inner()
        };
        packed().map_err(|why| format!("packing: {why}"))
    }
}

fn header(kind: tar::EntryType, mode: u32, size: u64, mtime: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(mtime);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// The bytes compressed: no name and no time in the header, so always the same.
///
/// # Errors
/// None: the archive is written to memory.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut packer = flate2::GzBuilder::new().mtime(0).write(Vec::new(), flate2::Compression::best());
    io::Write::write_all(&mut packer, bytes)
        .and_then(|()| packer.finish())
        .map_err(|why| format!("packing: {why}"))
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
