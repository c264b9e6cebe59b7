//! `plan`: what would be checked, as JSON lines that every tool reads.

use clap::Args as ClapArgs;

use crate::out;
use crate::plan;
use crate::profile::choice::Choice;

/// Print the plan as JSON lines, which every tool reads and takes its share of
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Addresses that the tools will draw from each block
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    sample: Option<u64>,
}

/// Runs the command.
///
/// # Errors
/// A profile that is not sound; output that cannot be written.
pub(crate) fn run(args: &Args) -> Result<u8, String> {
    let profile = args.choice.load()?;
    let mut text = String::new();
    for line in plan::lines(&profile, args.sample)? {
        text.push_str(&line.json());
        text.push('\n');
    }
    out::print(&text)?;
    Ok(0)
}
