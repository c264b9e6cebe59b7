//! `cargo xtask bench`: builds what ships and what measures it, and hands over.

use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::Args as ClapArgs;

use crate::dist::Target;
use crate::dist::programs::{self, Profile};
use crate::workspace::{cargo, step};

/// The shipped tools measured beside peers and bare loops: `bench --only sweep`, `bench --help`, …
#[derive(ClapArgs, Debug)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Handed on to netcheck-bench
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// The build failed, or the benchmark cannot be started.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    programs::build(Profile::Dist, Target::X86_64)?;
    let packages = ["--package", "netcheck-bench", "--package", "netcheck-lab"];
    step(
        "building the benchmark",
        cargo().args(["build", "--locked", "--release", "--bins"]).args(packages),
    )?;
    let folder = programs::target_folder()?;
    let shipped = folder.join(Target::X86_64.as_str()).join(Profile::Dist.as_str());
    let bench = folder.join("release/netcheck-bench");
    let why = Command::new(&bench).arg("--programs").arg(shipped).args(&args.args).exec();
    Err(format!("{}: {why}", bench.display()))
}
