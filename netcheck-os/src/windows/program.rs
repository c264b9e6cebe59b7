//! Programs that are waited for: none takes the place of another.

use std::io;
use std::process::Command;

pub(crate) fn call(_: &mut Command, _: &str) {}

pub(crate) fn become_it(command: &mut Command) -> io::Result<u8> {
    let code = command.status()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(2))
}
