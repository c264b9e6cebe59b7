//! `plan`: what would be checked, as JSON lines that every tool reads; or which proxies each requirement would take.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::profile::choice::Choice;
use crate::tool_flags::ToolFlags;
use crate::{out, plan, proxies, tools};

/// Print the plan as JSON lines, which every tool reads and takes its share of
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Addresses that the tools will draw from each block
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    sample: Option<u64>,
    /// Show instead which proxies each requirement would take, and why; nothing is sent to a target
    #[arg(long)]
    proxies: bool,
    /// With --proxies: `env`, `system`, `none`, pac+URL, or a URL
    #[arg(long, value_name = "env|system|none|pac+URL|URL", requires = "proxies")]
    proxy: Option<String>,
    /// With --proxies: folder of the tools, instead of looking beside this program
    #[arg(long, value_name = "FOLDER", requires = "proxies")]
    tools: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A profile that is not sound; output that cannot be written; a tool that cannot be run.
pub(crate) fn run(args: &Args) -> Result<u8, String> {
    let profile = args.choice.load()?;
    let lines = plan::lines(&profile, args.sample)?;
    if args.proxies {
        let tool_flags = ToolFlags::of_proxy(args.proxy.clone(), args.sample);
        tool_flags.validate()?;
        let tools = args
            .tools
            .as_deref()
            .map_or_else(tools::beside_this_program, |folder| Ok(tools::within(folder)))?;
        out::print(&proxies::table(&lines, &tools, &tool_flags)?)?;
        return Ok(0);
    }
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.json());
        text.push('\n');
    }
    out::print(&text)?;
    Ok(0)
}
