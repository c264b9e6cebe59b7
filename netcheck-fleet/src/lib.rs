//! `netcheck fleet`: many offices at once. An agent in each office checks as its plan says and reports over HTTPS; hubs
//! keep what they are told in NATS JetStream, judge it and show it.
//!
//! A run's way: `agent::check` → [`outbox`] → `netcheck-uplink` ([`uplink`]) → `hub::runs` → `hub::store` →
//! `hub::board` → the page.

mod agent;
mod api;
mod hub;
mod init;
mod key;
mod link;
mod office;
mod operator;
mod outbox;
mod plan;
mod programs;
mod run;
mod signed;
mod uplink;
mod words;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use netcheck_record::escape;

const ENDING: &str = "\
Examples:
  netcheck fleet init --single fleet
  netcheck fleet hub --config fleet/hub.toml
  netcheck fleet enroll --hub https://hub.example.com acme/zurich
  netcheck fleet agent --hub https://hub.example.com --once
  netcheck fleet status --hub https://hub.example.com

Exit codes:
  0  done; status: every office works and reports
  1  agent: a run waits, or the office cannot report; status: an office does not work, is late or silent
  2  wrong usage, or the job could not be done

Variables:
  NETCHECK_FLEET_ENROLL  the one-time token of a new agent
  NETCHECK_FLEET_TOKEN   the token of an operator
  NETCHECK_FLEET_STATE   folder of an agent's key, plan and outbox
  NETCHECK_FLEET_PROXY   an agent's way to its hub";

/// Check many offices and show which of them work.
#[derive(Parser)]
#[command(name = "netcheck fleet", version, propagate_version = true, max_term_width = 100, after_help = ENDING)]
struct Fleet {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check this office as its plan says, and report to a hub
    Agent(agent::Args),
    /// Take the runs of offices and show which of them work
    Hub(hub::Args),
    /// Make a one-time token by which an office is enrolled; --revoke ends what an office may do
    Enroll(operator::EnrollArgs),
    /// Sign a plan and hand it to the hub
    Plan(operator::PlanArgs),
    /// Show which offices work, as a table
    Status(operator::StatusArgs),
    /// Show what is broken in more than one office
    Report(operator::ReportArgs),
    /// Write the configuration of broker and hub
    Init(init::Args),
}

/// The program `netcheck-fleet`.
#[must_use]
pub fn main() -> ExitCode {
    let parsed = Fleet::try_parse().map(|fleet| match &fleet.command {
        Command::Agent(args) => agent::run(args),
        Command::Hub(args) => hub::run(args),
        Command::Enroll(args) => operator::enroll(args),
        Command::Plan(args) => operator::plan(args),
        Command::Status(args) => operator::status(args),
        Command::Report(args) => operator::report(args),
        Command::Init(args) => init::run(args),
    });
    netcheck::finish(parsed)
}

/// The program `netcheck-uplink`.
#[must_use]
pub fn uplink_main() -> ExitCode {
    netcheck_common::run::<uplink::Uplink>()
}

/// Says something on standard error.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "netcheck fleet: {}", escape::line(text, 1000));
}

/// Prints to standard output.
fn print(text: &str) -> Result<(), String> {
    netcheck::out::print(text)
}
