//! The programs that an agent runs: they are beside this one, or this one under another name.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// A command for a program of netcheck.
///
/// # Errors
/// The system does not say where this program is.
pub fn command(name: &str) -> Result<Command, String> {
    let own = env::current_exe().map_err(|why| format!("cannot find {name}: {why}"))?;
    let beside = own.with_file_name(format!("{name}{}", env::consts::EXE_SUFFIX));
    if beside.is_file() {
        return Ok(Command::new(beside));
    }
    all_in_one(&own, name).ok_or_else(|| format!("{name} is not beside {}", own.display()))
}

/// The program of all tools, called as one of them.
fn all_in_one(own: &std::path::Path, name: &str) -> Option<Command> {
    let beside: PathBuf = own.with_file_name(format!("netcheck-all{}", env::consts::EXE_SUFFIX));
    let all = if own.file_stem()? == "netcheck-fleet" { beside } else { own.to_owned() };
    let mut command = all.is_file().then(|| Command::new(all))?;
    netcheck_common::os::program::call(&mut command, name);
    Some(command)
}
