//! The files of resolv.conf(5) and hosts(5).

use std::path::{Path, PathBuf};

use netcheck_record::file;

pub(crate) fn hosts_file() -> PathBuf {
    PathBuf::from("/etc/hosts")
}

pub(crate) fn resolvers(longest: u64) -> String {
    let text = file::beginning(Path::new("/etc/resolv.conf"), longest).unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
}
