//! A program's man pages and completions, made from its own command line: only in builds for packaging.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;

/// The variable that asks a program built with the feature `manual` for its pages, in the folder it names.
pub const VARIABLE: &str = "NETCHECK_MANUAL";

/// The folder asked for.
#[must_use]
pub fn wanted() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).map(PathBuf::from)
}

/// Writes `man/man1/NAME.1`, one more page for each subcommand, and `completions/` for four shells.
///
/// # Errors
/// A file cannot be written.
pub fn write(mut command: Command, folder: &Path) -> io::Result<()> {
    let pages = folder.join("man/man1");
    fs::create_dir_all(&pages)?;
    clap_mangen::generate_to(command.clone(), &pages)?;
    let name = command.get_name().to_owned();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
        let file = match shell {
            Shell::Zsh => format!("_{name}"),
            Shell::Fish => format!("{name}.fish"),
            Shell::PowerShell => format!("{name}.ps1"),
            _ => name.clone(),
        };
        let to = folder.join("completions").join(shell.to_string());
        fs::create_dir_all(&to)?;
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, &name, &mut script);
        fs::write(to.join(file), script)?;
    }
    Ok(())
}
