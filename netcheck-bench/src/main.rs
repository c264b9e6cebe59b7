//! `cargo xtask bench`: the shipped tools measured beside peers and bare loops, in one run.
//!
//! Machines are noisy, so every figure that is judged is a ratio: ours and theirs run in turns, and the medians of both
//! are compared. A peer that is not installed is left out, and the table says so.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads clocks and opens bare sockets: that is its work"
)]

mod bare;
mod handshake;
mod listen;
mod measure;
mod oneshot;
mod run;
mod soak;
mod stun;
mod stun_server;
mod sweep;
mod table;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::table::Table;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Bench {
    /// TCP targets a second, beside nmap, rustscan and a bare epoll loop
    Sweep,
    /// One million targets: the cost of each stays what it was, and so does the memory
    Million,
    /// TLS handshakes a second beside a bare rustls client; RTMPS and WSS beside TLS
    Handshake,
    /// STUN exchanges a second beside a bare loop
    Stun,
    /// One target from start to exit, beside nc, openssl and curl
    Oneshot,
    /// The orchestrator beside its slowest tool, and a network in which everything is dropped
    Run,
    /// A watch of many rounds under faults; only when it is asked for
    Soak,
}

/// What this program is when it is run by itself.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Bare {
    /// TCP connects to the addresses of standard input
    Connects,
    /// TLS handshakes with the addresses of standard input
    Handshakes,
    /// STUN exchanges with the addresses of standard input
    Exchanges,
    /// The whole profile, from inside a network of the lab
    Profile,
    /// A watch, from inside a network of the lab
    Soak,
    /// Another program, measured from a process that is small itself
    Start,
}

/// Measures the tools beside their peers
#[derive(Parser)]
#[command(name = "netcheck-bench", version)]
pub(crate) struct Args {
    /// The folder with the shipped programs
    #[arg(long, value_name = "FOLDER")]
    programs: PathBuf,
    /// The program of the lab, for what needs a network [default: beside this one]
    #[arg(long, value_name = "FILE")]
    lab: Option<PathBuf>,
    /// Only these (repeatable) [default: all]
    #[arg(long, value_enum)]
    only: Vec<Bench>,
    /// How often each pair is run
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// How long the soak lasts, as 30m or 600s
    #[arg(long = "for", value_name = "DURATION", default_value = "30m", value_parser = duration)]
    lasting: Duration,
    /// Write the table into this file too
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Be one of the bare loops, in a process of its own as the tools are
    #[arg(long, value_enum, hide = true)]
    bare: Option<Bare>,
    /// The authority a bare TLS client trusts
    #[arg(long, value_name = "FILE.pem", hide = true)]
    roots: Option<PathBuf>,
    /// The other program and its arguments
    #[arg(last = true, hide = true)]
    other: Vec<OsString>,
}

fn duration(text: &str) -> Result<Duration, String> {
    let minutes = text.strip_suffix('m').and_then(|number| number.parse::<u64>().ok());
    let seconds = text.strip_suffix('s').and_then(|number| number.parse().ok());
    let seconds = minutes.map(|minutes| minutes * 60).or(seconds);
    seconds.map(Duration::from_secs).ok_or_else(|| "minutes or seconds, as 30m or 600s".to_owned())
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(bare) = args.bare {
        let outcome = match bare {
            Bare::Connects => bare::connects(),
            Bare::Handshakes => handshake::bare(&args),
            Bare::Exchanges => stun::bare(),
            Bare::Profile => run::here(&args),
            Bare::Soak => soak::here(&args),
            Bare::Start => measure::start(&args),
        };
        return match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                table::say(&why);
                ExitCode::from(2)
            }
        };
    }
    let all = [Bench::Sweep, Bench::Million, Bench::Handshake, Bench::Stun, Bench::Oneshot, Bench::Run];
    let mut table = Table::default();
    let wanted = if args.only.is_empty() { &all[..] } else { &args.only };
    for bench in wanted {
        let outcome = match bench {
            Bench::Sweep => sweep::sweep(&args, &mut table),
            Bench::Million => sweep::million(&args, &mut table),
            Bench::Handshake => handshake::measure(&args, &mut table),
            Bench::Stun => stun::measure(&args, &mut table),
            Bench::Oneshot => oneshot::measure(&args, &mut table),
            Bench::Soak => soak::measure(&args, &mut table),
            Bench::Run => run::measure(&args, &mut table),
        };
        if let Err(why) = outcome {
            table.missing(&format!("{bench:?}"), &why);
        }
    }
    match args.write.as_deref().map(|file| table.write(file)) {
        Some(Err(why)) => {
            table::say(&why);
            ExitCode::from(2)
        }
        _ if table.held() => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    }
}
