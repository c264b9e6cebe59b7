//! The product: plans the checks, runs the tools, and says what their records mean together. It reads records and opens
//! no socket of a check.

mod allowlist;
mod assess;
mod baseline;
mod check;
mod child;
mod diff;
mod env_secrets;
mod fleet;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod journal;
mod number;
pub mod out;
mod plan;
mod planning;
mod ports;
mod profile;
mod profiles;
mod progress;
mod proxies;
mod quality;
mod records;
mod rehearse;
mod report;
mod run;
mod run_id;
mod self_test;
mod signal;
mod table;
mod target;
mod tool_flags;
mod tools;
mod wrap;

#[cfg(test)]
mod corpus_replay;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use netcheck_record::escape;

pub use target::tools as tool_names;
pub use tools::Tools;

/// Where this program finds its tools when no flag names a folder.
#[derive(Clone, Copy, Debug)]
pub enum Home {
    /// A workspace: this builds the tools first.
    Workspace(fn() -> Result<tools::Tools, String>),
    /// Anywhere else: the tools are beside the program.
    Installed,
}

/// What follows the commands in `--help`.
const ENDING: &str = "\
Examples:
  netcheck check
  netcheck check --role participants --output participants.jsonl
  netcheck report netcheck.jsonl --format html --output report.html
  netcheck rehearse --for 2h --budget 2000
  netcheck diff before.jsonl after.jsonl
  netcheck allowlist --format squid
  netcheck self-test

Exit codes:
  0     every required requirement works, with limits or without
  1     a required requirement does not work or is not known; with --strict also: works with limits
  2     wrong usage, an incomplete run, or a file that cannot be read or written
  128+N signal N ended the program

Files and variables:
  netcheck.jsonl                               the records of the last run; the one before is NAME.1
  NETCHECK_TOOLS                               folder of the tools
  http_proxy https_proxy all_proxy no_proxy    proxies, with --proxy env
  NETCHECK_PROXY_USER NETCHECK_PROXY_PASSWORD  credentials for the proxy";

/// Checks whether this network lets an event platform work; if not: who blocks it, where, and what to change.
#[derive(Parser)]
#[command(name = "netcheck", version, propagate_version = true, max_term_width = 100, after_help = ENDING)]
struct Netcheck {
    #[command(subcommand)]
    command: Command,
}

/// What the product does.
#[derive(Subcommand)]
#[expect(private_interfaces, reason = "the arguments of a command are the command's own")]
pub enum Command {
    /// Check every target of a profile and say what to change.
    Check(Box<check::Args>),
    /// Hold and load the connections of a show for as long as it lasts, and say what ends them.
    Rehearse(Box<rehearse::Args>),
    /// Measure how responsive the line is while it is full, and which part of an event's mix breaks first.
    Quality(Box<quality::Args>),
    /// Print the targets of a profile.
    Plan(planning::Args),
    /// Show records as a page, a text or numbers.
    Report(report::Args),
    /// Compare two files of records.
    Diff(diff::Args),
    /// Write the rules of a profile in the language of a firewall or proxy.
    Allowlist(allowlist::Args),
    /// List, show, validate and create profiles.
    Profile(profiles::Args),
    /// Check many offices and show which of them work.
    Fleet(fleet::Args),
    /// Test this installation offline: tools, versions, built-in profiles, trust store.
    SelfTest(self_test::Args),
}

impl Command {
    /// Runs the command; its exit code, or what went wrong.
    ///
    /// # Errors
    /// A sentence for people: the tool could not do its job.
    pub fn run(self, home: Home) -> Result<u8, String> {
        match self {
            Command::Check(args) => check::run(&args, home),
            Command::Rehearse(args) => rehearse::run(&args, home),
            Command::Quality(args) => quality::run(&args, home),
            Command::Plan(args) => planning::run(&args),
            Command::Report(args) => report::run(&args),
            Command::Diff(args) => diff::run(&args),
            Command::Allowlist(args) => allowlist::run(&args),
            Command::Profile(args) => profiles::run(&args),
            Command::Fleet(args) => fleet::run(&args),
            Command::SelfTest(args) => self_test::run(&args, home),
        }
    }
}

/// The program `netcheck`.
#[must_use]
pub fn main() -> ExitCode {
    #[cfg(feature = "manual")]
    if let Some(folder) = netcheck_record::manual::wanted() {
        let written = netcheck_record::manual::write(<Netcheck as clap::CommandFactory>::command(), &folder);
        return finish(Ok(written.map(|()| 0).map_err(|why| why.to_string())));
    }
    finish(Netcheck::try_parse().map(|cli| cli.command.run(Home::Installed)))
}

/// The JSON Schema of a profile.
#[must_use]
pub fn profile_schema() -> String {
    profile::Profile::schema()
}

/// The JSON Schema of `netcheck report --format json`.
#[must_use]
pub fn report_schema() -> String {
    assess::Report::schema()
}

/// The text of a built-in profile.
#[must_use]
pub fn built_in_profile(name: &str) -> Option<String> {
    profile::built_in_text(name).map(str::to_owned)
}

/// Whether the text of a profile is sound.
///
/// # Errors
/// It is not; what is wrong with it.
pub fn validate_profile(text: &str) -> Result<(), String> {
    profile::Profile::parse(text).and_then(|parsed| profile::Profile::validate("profile", parsed)).map(drop)
}

/// The report of the records of a run, JSON Lines, by the text of the profile that was checked: what
/// `netcheck report --format json` prints.
///
/// # Errors
/// A profile that is not sound, or too many records.
pub fn report_of(records: &[u8], profile: &str) -> Result<String, String> {
    report::json_of(records, profile)
}

/// Turns the outcome of a command line into an exit code, with its sentence on standard error.
#[must_use]
pub fn finish(parsed: Result<Result<u8, String>, clap::Error>) -> ExitCode {
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
