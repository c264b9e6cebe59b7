//! The orchestrator: plans, runs and explains the checks. `netcheck` is what ships; `xtask` is the same with what
//! only the workspace needs.

mod allowlist;
mod amend;
mod answer;
mod baseline;
mod check;
mod child;
mod diff;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod given;
mod interface;
mod journal;
mod out;
mod outage;
mod plan;
mod planning;
mod ports;
mod profile;
mod profiles;
mod progress;
mod records;
mod remedy;
mod report;
mod request;
mod run;
mod signal;
mod standing;
mod survey;
mod table;
mod target;
mod through;
mod tools;
mod wrap;

#[cfg(test)]
mod corpus_replay;

#[cfg(feature = "dev")]
mod dev;
#[cfg(feature = "dev")]
mod networks;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use netcheck_common::escape;

/// Where this program runs from, and so where its tools are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// The workspace: the tools are built first.
    Workspace,
    /// Anywhere else: the tools are beside the program.
    Installed,
}

/// Does this network let an event platform work, and if not, why, where, and what has to change?
#[derive(Parser)]
#[command(name = "netcheck", version, propagate_version = true)]
struct Netcheck {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(Box<check::Args>),
    Plan(planning::Args),
    Report(report::Args),
    Diff(diff::Args),
    Allowlist(allowlist::Args),
    Profile(profiles::Args),
}

impl Command {
    fn run(self, home: Home) -> Result<u8, String> {
        match self {
            Command::Check(args) => check::run(&args, home),
            Command::Plan(args) => planning::run(&args),
            Command::Report(args) => report::run(&args),
            Command::Diff(args) => diff::run(&args),
            Command::Allowlist(args) => allowlist::run(&args),
            Command::Profile(args) => profiles::run(&args),
        }
    }
}

/// `netcheck`: what ships.
#[must_use]
pub fn netcheck() -> ExitCode {
    #[cfg(feature = "manual")]
    if let Some(folder) = netcheck_common::manual::wanted() {
        let written = netcheck_common::manual::write(<Netcheck as clap::CommandFactory>::command(), &folder);
        return finish(Ok(written.map(|()| 0).map_err(|why| why.to_string())));
    }
    finish(Netcheck::try_parse().map(|cli| cli.command.run(Home::Installed)))
}

/// `cargo xtask`: the same, and what only the workspace needs.
#[cfg(feature = "dev")]
#[must_use]
pub fn xtask() -> ExitCode {
    finish(dev::Xtask::try_parse().map(dev::Xtask::run))
}

fn finish(parsed: Result<Result<u8, String>, clap::Error>) -> ExitCode {
    match parsed {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(why)) => {
            // It may name a file, or a line of one.
            let lines: Vec<String> = why.lines().map(|line| escape::line(line, 1000)).collect();
            let _ = writeln!(io::stderr(), "netcheck: {}", lines.join("\n"));
            ExitCode::from(2)
        }
        // Help and version are "errors" of clap that are none.
        Err(error) => {
            let code = u8::from(error.use_stderr()) * 2;
            let _ = error.print();
            ExitCode::from(code)
        }
    }
}
