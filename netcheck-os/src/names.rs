//! What the system is told about names: its resolvers and its hosts file.

use std::path::PathBuf;

use crate::system;

/// The file with names and their addresses (hosts(5)).
#[must_use]
pub fn hosts_file() -> PathBuf {
    system::names::hosts_file()
}

/// The resolvers and the search list, written as resolv.conf(5) is; at most `longest` bytes. Empty where there is none.
#[must_use]
pub fn resolvers(longest: u64) -> String {
    system::names::resolvers(longest)
}
