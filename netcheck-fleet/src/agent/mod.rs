//! The agent of an office: it checks as the plan says, keeps what it cannot send, and reports to a hub over HTTPS.
//!
//! It needs no signal and no goodbye: whatever ends it, what was finished is on disk.

mod check;
mod reporting;
mod state;
mod status;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};
use netcheck_record::clock;

use crate::key;
use state::State;

/// The shortest and the longest wait after a hub was not reached.
const SOON: Duration = Duration::from_secs(10);
const LATE: Duration = Duration::from_secs(600);

/// Check this office as its plan says, and report to a hub
///
/// The first time, NETCHECK_FLEET_ENROLL holds the one-time token that `netcheck fleet enroll` printed.
#[derive(ClapArgs, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    agent: Agent,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Show what this agent did last, and whether it can report
    Status(Place),
}

/// Where an agent keeps its key, its plan and its outbox.
#[derive(ClapArgs, Debug)]
struct Place {
    /// Folder of the agent's key, plan and outbox
    #[arg(
        long,
        value_name = "FOLDER",
        default_value = "/var/lib/netcheck-fleet",
        env = "NETCHECK_FLEET_STATE"
    )]
    state: PathBuf,
}

#[derive(ClapArgs, Debug)]
struct Agent {
    #[command(flatten)]
    place: Place,
    /// Addresses of hubs (repeatable); kept after the first time
    #[arg(long, value_name = "URL")]
    hub: Vec<String>,
    /// The way to the hub, as --proxy of the tools takes it: env, system, none, pac+URL, URL
    #[arg(long, value_name = "PROXY", env = "NETCHECK_FLEET_PROXY", hide_env_values = true)]
    proxy: Option<String>,
    /// Check and report once: for cron
    #[arg(long)]
    once: bool,
    /// The most that runs which wait take on disk, in MB
    #[arg(long, value_name = "MB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    outbox: u64,
}

/// Runs the command.
///
/// # Errors
/// A state that cannot be read or written; not enrolled; with `--once` also: no plan.
pub fn run(args: &Args) -> Result<u8, String> {
    if let Some(Command::Status(place)) = &args.command {
        return status::show(&place.state);
    }
    let agent = &args.agent;
    let mut state = State::open(&agent.place.state, &agent.hub, agent.proxy.as_deref(), agent.outbox << 20)?;
    let mut failures: u32 = 0;
    let mut due = clock::now();
    loop {
        let told = reporting::fetch_plan(&mut state);
        if clock::now() >= due {
            let ran = check::run(&mut state);
            if agent.once {
                told?;
                ran?;
                return Ok(u8::from(!reporting::send(&mut state)?));
            }
            match ran {
                Ok(()) => due = clock::now() + jittered(state.interval())?,
                Err(why) => {
                    crate::say(&why);
                    due = clock::now() + SOON;
                }
            }
        }
        let sent = reporting::send(&mut state).unwrap_or_else(|why| {
            crate::say(&why);
            false
        });
        failures = if sent { 0 } else { failures.saturating_add(1) };
        let backoff = SOON.saturating_mul(1 << failures.min(6)).min(LATE);
        let rest = due.saturating_duration_since(clock::now());
        wait(if failures == 0 {
            rest.max(Duration::from_secs(1))
        } else {
            jittered(backoff)?.min(rest.max(SOON))
        });
    }
}

/// The same time, a tenth more or less: offices do not come all at once.
fn jittered(time: Duration) -> Result<Duration, String> {
    let digits = key::random::<2>()?;
    let share = f64::from(u16::from_str_radix(&digits, 16).unwrap_or(1 << 15)) / f64::from(u16::MAX);
    Ok(time.mul_f64(0.9 + 0.2 * share))
}

#[expect(clippy::disallowed_methods, reason = "an agent between its rounds has nothing to wait for but time")]
fn wait(time: Duration) {
    std::thread::sleep(time);
}
