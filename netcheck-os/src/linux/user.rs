//! The user, the host's name (uname(2)), and folders with mode 0700.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// The effective user's number.
pub(crate) fn id() -> u32 {
    nix::unistd::Uid::effective().as_raw()
}

/// The host name; empty where the kernel tells none.
pub(crate) fn host_name() -> String {
    let name = nix::sys::utsname::uname().ok();
    name.and_then(|name| name.nodename().to_str().map(str::to_owned)).unwrap_or_default()
}

/// Makes a folder that only its owner can use (mode 0700).
pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(folder)
}
