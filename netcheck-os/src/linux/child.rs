//! SIGTERM (kill(2)); a program follows its parent by itself ([`super::parent`]).

use std::process::{Child, Command};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub(crate) fn prepare(_: &mut Command) {}

pub(crate) fn keep(_: &Child) {}

pub(crate) fn ask_to_end(child: &mut Child) {
    if let Ok(number) = i32::try_from(child.id()) {
        let _ = kill(Pid::from_raw(number), Signal::SIGTERM);
    }
}
