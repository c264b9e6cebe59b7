//! execve(2): another program in place of this one.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

pub(crate) fn call(command: &mut Command, name: &str) {
    command.arg0(name);
}

pub(crate) fn become_it(command: &mut Command) -> io::Result<u8> {
    // It comes back only where it failed.
    Err(command.exec())
}
