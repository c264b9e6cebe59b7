//! `cargo xtask lab`: builds the lab and every program, and hands over to it.

use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::Args as ClapArgs;

use crate::workspace::{self, say};

/// The product in networks that misbehave, without internet: `lab demo`, `lab matrix`, …
#[derive(ClapArgs, Debug)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Handed on to netcheck-lab
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// The build failed, or the lab cannot be started.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    say("building the lab and every program");
    let mut packages: Vec<String> = workspace::crates().iter().map(|tool| format!("check-{tool}")).collect();
    packages.extend(["netcheck-lab".to_owned(), "netcheck".to_owned()]);
    let programs = workspace::build(&packages)?;
    let lab = programs.get("netcheck-lab").ok_or("the lab has no program")?;
    let why = Command::new(lab).args(&args.args).exec();
    Err(format!("{}: {why}", lab.display()))
}
