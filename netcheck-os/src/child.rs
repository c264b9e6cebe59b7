//! Programs that this one starts: how one is asked to end.

use std::process::{Child, Command};

use crate::system;

/// Prepares a program that is about to be started, so that it can be asked to end.
pub fn prepare(command: &mut Command) {
    system::child::prepare(command);
}

/// Has the system end a program that was started when this one ends, where the program cannot see to that itself.
pub fn keep(child: &Child) {
    system::child::keep(child);
}

/// Asks a program to end; it writes what it has first. It has not been waited for, so its number is still its own.
pub fn ask_to_end(child: &mut Child) {
    system::child::ask_to_end(child);
}
