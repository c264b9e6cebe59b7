//! Programs that take the place of this one, or go by another name than their file.

use std::io;
use std::process::Command;

use crate::system;

/// The name a program is called by, where that is not its file's: one program that holds many tools looks at it.
pub fn call(command: &mut Command, name: &str) {
    system::program::call(command, name);
}

/// Runs a program in place of this one, so that signals and the exit code are its own. Where a system has no such
/// thing, it is waited for, and its exit code comes back.
///
/// # Errors
/// It cannot be started.
pub fn become_it(command: &mut Command) -> io::Result<u8> {
    system::program::become_it(command)
}
