//! `self-test`: proves an installation without a network: every tool is there and works on loopback.

mod servers;
mod tool;

use std::path::PathBuf;

use clap::Args as ClapArgs;
use netcheck_record::escape;

use crate::profile::{self, Profile};
use crate::tools::{self, Tools};
use crate::{Home, out, plan, target};

/// What follows the options in `--help`.
const ENDING: &str = "\
Examples:
  netcheck self-test
  netcheck self-test --tools /opt/netcheck/bin

Exit codes:
  0  every step passed
  2  a step failed: its line says which and what to do";

/// Test this installation offline: tools, versions, built-in profiles, trust store
///
/// Starts servers on 127.0.0.1, lets each tool check them, and compares each record with the expected result. Prints one
/// line per step. Sends nothing to a network and needs no configuration, no name server and no proxy.
#[derive(ClapArgs, Debug)]
#[command(after_help = ENDING)]
pub(crate) struct Args {
    /// Folder of the tools [default: the folder of this program]
    #[arg(long, value_name = "FOLDER", env = "NETCHECK_TOOLS")]
    tools: Option<PathBuf>,
}

/// What one step found: a fact, or a fault with what to do.
type Found = Result<String, String>;

/// Runs the command: 0 if every step passed, otherwise 2.
///
/// # Errors
/// The tools cannot be searched, a server cannot be started on loopback, or standard output cannot be written.
pub(crate) fn run(args: &Args, home: Home) -> Result<u8, String> {
    let tools = match (&args.tools, home) {
        (Some(folder), _) => tools::within(folder),
        (None, Home::Installed) => tools::beside_this_program()?,
        (None, Home::Workspace(build)) => build()?,
    };
    let mut tally = Tally::default();
    profile::built_in_names().try_for_each(|name| tally.print("profile", name, &built_in(name)))?;
    tally.print("system", "trust store", &trust_store())?;
    let servers = servers::Servers::start()?;
    for name in target::tools() {
        let Some(program) = present(name, &tools, &mut tally)? else { continue };
        for (target, found) in tool::check(name, program, &servers) {
            tally.print(&format!("check-{name}"), &target, &found)?;
        }
    }
    let Tally { steps, failed } = tally;
    if failed == 0 {
        out::print(&format!("netcheck {}: all {steps} steps passed\n", env!("CARGO_PKG_VERSION")))?;
        return Ok(0);
    }
    out::print(&format!("netcheck {}: {failed} of {steps} steps failed\n", env!("CARGO_PKG_VERSION")))?;
    Ok(2)
}

/// The program of a tool, where it is there and has this program's version.
fn present<'a>(name: &str, tools: &'a Tools, tally: &mut Tally) -> Result<Option<&'a PathBuf>, String> {
    let program = tools.get(name);
    let found = match program {
        Some(program) => tool::version(program),
        None => Err("not found: install it beside netcheck, or name its folder with --tools".to_owned()),
    };
    tally.print(&format!("check-{name}"), "program", &found)?;
    Ok(program.filter(|_| found.is_ok()))
}

/// Whether a built-in profile is valid, and how many requirements and targets it has.
fn built_in(name: &str) -> Found {
    let profile = Profile::named(name)?;
    let targets: u64 = plan::lines(&profile, None)?.iter().map(|line| line.count).sum();
    Ok(format!("{} requirements, {targets} targets", profile.rows.len()))
}

/// How many authorities this system trusts.
fn trust_store() -> Found {
    let found = rustls_native_certs::load_native_certs();
    match (found.certs.len(), found.errors.first()) {
        (0, Some(why)) => Err(format!("cannot be read: {why}")),
        (0, None) => Err("holds no certificate: install the package ca-certificates, or set SSL_CERT_FILE; \
                          without it netcheck cannot say whether this system trusts an intercepted connection"
            .to_owned()),
        (count, _) => Ok(format!("{count} certificates")),
    }
}

/// The steps so far.
#[derive(Debug, Default)]
struct Tally {
    steps: usize,
    failed: usize,
}

impl Tally {
    /// Prints the line of a step.
    fn print(&mut self, part: &str, step: &str, found: &Found) -> Result<(), String> {
        self.steps += 1;
        self.failed += usize::from(found.is_err());
        let (word, text) = match found {
            Ok(text) => ("ok  ", text),
            Err(text) => ("FAIL", text),
        };
        out::print(&format!("{word}  {part:<11}  {step}: {}\n", escape::line(text, 500)))
    }
}
