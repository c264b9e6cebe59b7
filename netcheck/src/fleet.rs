//! `netcheck fleet`: handed to the program beside this one, so that the product itself has no runtime and no TLS.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use clap::Args as ClapArgs;

/// The program of fleets.
const PROGRAM: &str = "netcheck-fleet";

/// Check many offices and show which of them work: agent, hub, enroll, plan, status, report, init
#[derive(ClapArgs, Debug)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// What netcheck-fleet does; --help shows it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    arguments: Vec<OsString>,
}

/// Runs the command: the program of fleets takes the place of this one.
///
/// # Errors
/// It is not there.
pub(crate) fn run(args: &Args) -> Result<u8, String> {
    let own = env::current_exe().map_err(|why| format!("cannot find {PROGRAM}: {why}"))?;
    let beside = own.with_file_name(format!("{PROGRAM}{}", env::consts::EXE_SUFFIX));
    let mut command = if beside.is_file() {
        Command::new(beside)
    } else if is_all_in_one(&own) {
        let mut command = Command::new(&own);
        netcheck_os::program::call(&mut command, PROGRAM);
        command
    } else {
        return Err(format!("{PROGRAM} is not beside netcheck: fleets are a package of their own"));
    };
    netcheck_os::program::become_it(command.args(&args.arguments)).map_err(|why| format!("{PROGRAM}: {why}"))
}

/// Whether this program may hold all others; one without fleets says so itself.
fn is_all_in_one(own: &Path) -> bool {
    own.file_stem().is_some_and(|name| name == "netcheck-all") && cfg!(feature = "fleet")
}
