//! `check`: the whole job, from the profile to the table.

mod round;
mod screen;
mod textfile;

use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use clap::Args as ClapArgs;
use netcheck_record::clock;

use crate::Home;
use crate::baseline::Baseline;
use crate::child::Event;
use crate::diff::Difference;
use crate::env_secrets;
use crate::journal::Journal;
use crate::out;
use crate::plan::{self, Line};
use crate::profile::Profile;
use crate::profile::choice::Choice;
use crate::records::Observation;
use crate::run_id;
use crate::signal;
use crate::tool_flags::{self, ToolFlags};
use crate::tools::{self, Tools};
use round::Round;

/// A path out of this network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Without a proxy.
    Direct,
    /// Through the proxy of --proxy, or of the environment.
    Proxy,
    /// As this value of --proxy says.
    As(String),
}

impl Way {
    /// The word in labels and tables.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Way::Direct => "direct",
            Way::Proxy => "proxy",
            Way::As(value) => value,
        }
    }

    /// The value of --proxy for this path, where it is not the one that was given.
    pub(crate) fn proxy(&self) -> Option<&str> {
        match self {
            Way::Direct => Some("none"),
            Way::Proxy => None,
            Way::As(value) => Some(value),
        }
    }
}

impl FromStr for Way {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "direct" | "none" => Ok(Way::Direct),
            "proxy" => Ok(Way::Proxy),
            other => tool_flags::proxy(other)
                .map(|()| Way::As(other.to_owned()))
                .map_err(|why| format!("direct, proxy, or what --proxy takes: {why}")),
        }
    }
}

/// Check what a profile names, and say what this network lets through
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// File for the records; `-` is standard output (the table then goes to standard error)
    #[arg(long, value_name = "FILE", default_value = "netcheck.jsonl")]
    output: PathBuf,
    /// File for metrics of node_exporter's textfile collector, replaced after each round
    #[arg(long, value_name = "FILE.prom", conflicts_with = "path")]
    textfile: Option<PathBuf>,
    /// Count a requirement that works with limits as failed in the exit code
    #[arg(long)]
    strict: bool,
    /// Also measure what takes longer: idle timeouts, loss and delay of a series of datagrams, path MTU; with
    /// RTMP_STREAM_KEY also a published stream to each ingest target
    #[arg(long)]
    thorough: bool,
    /// Check through each of these paths and show which requirements work through which: direct, proxy (what --proxy or
    /// the environment names), env, system, pac+URL, or the URL of a proxy
    #[arg(long, value_delimiter = ',', value_name = "PATH,PATH…")]
    path: Vec<Way>,
    /// Require that the packets of a requirement leave through this interface (split tunnelling; repeatable)
    #[arg(long, value_name = "ROW=INTERFACE", value_parser = pair)]
    expect_interface: Vec<(String, String)>,
    /// Records from another network; what fails there too is marked as known
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Exit with 0 if every failure is known from --baseline
    #[arg(long, requires = "baseline")]
    ignore_known: bool,
    /// Repeat the check this many seconds after the end of each round, and show what changed
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    watch: Option<u32>,
    /// Folder of the tools [default: built by xtask, otherwise the folder of this program]
    #[arg(long, value_name = "FOLDER", env = "NETCHECK_TOOLS")]
    tools: Option<PathBuf>,
    /// Show the messages of the tools
    #[arg(short, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(flatten)]
    tool_flags: ToolFlags,
}

/// What every round of a check needs, looked at before any packet.
struct Job<'a> {
    args: &'a Args,
    profile: Profile,
    lines: Vec<Line>,
    tools: Tools,
    tool_flags: ToolFlags,
    /// The ways out that are checked one by one; empty when there is one.
    ways: Vec<Way>,
    /// What the rounds of this program share, where there are several.
    series: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// A usage error, or a job that could not be done: exit code 2.
pub(crate) fn run(args: &Args, home: Home) -> Result<u8, String> {
    args.tool_flags.validate()?;
    let profile = args.choice.load()?;
    if let Some((row, _)) =
        args.expect_interface.iter().find(|(row, _)| profile.rows.iter().all(|has| has.name != *row))
    {
        return Err(format!("--expect-interface: no requirement \"{row}\""));
    }
    let lines = plan::lines(&profile, args.tool_flags.sample)?;
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?;
    let tools = find(args, home)?;
    let tool_flags = if args.thorough { args.tool_flags.thorough() } else { args.tool_flags.clone() };
    let ways = ways(args)?;
    let series = args.watch.map(|_| run_id::new());
    let job = Job { args, profile, lines, tools, tool_flags, ways, series };
    let mut journal = Journal::open(&args.output)?;
    let (sender, events) = mpsc::sync_channel(1024);
    signal::listen(sender.clone())?;
    screen::announce(&job);
    let mut before: Option<Vec<Observation>> = None;
    loop {
        journal.rotate()?;
        let mut round = Round::run(&job, &mut journal, &sender, &events);
        let assessment = round.assess(&job, baseline.as_ref());
        let code = screen::show(&job, &round, &assessment)?;
        textfile::write(&job, &round, &assessment)?;
        if let Some(before) = &before {
            let changes = Difference::of(before, &assessment.observations).text();
            out::print(&format!("\nSince the last time: {changes}"))?;
        }
        let Some(pause) = args.watch.filter(|_| round.signal.is_none() && !round.hopeless && !round.closed)
        else {
            return Ok(code);
        };
        before = Some(assessment.observations);
        if let Some(signal) = wait(&events, Duration::from_secs(u64::from(pause))) {
            return Ok(signal::code(signal));
        }
        out::print(&format!("\n{}\n", clock::timestamp()))?;
    }
}

/// The ways out to be checked: a proxy only where one is configured.
fn ways(args: &Args) -> Result<Vec<Way>, String> {
    let configured = args.tool_flags.proxy_configured();
    let mut ways = args.path.clone();
    ways.retain(|way| *way != Way::Proxy || configured);
    ways.retain(|way| *way != Way::As("env".to_owned()) || env_secrets::proxy_in_environment());
    if ways.len() < args.path.len() {
        if ways.is_empty() {
            return Err("--path proxy: no proxy is configured; give --proxy URL".to_owned());
        }
        let left: Vec<&str> = ways.iter().map(Way::as_str).collect();
        say(&format!("no proxy is configured: checked is {} only", left.join(", ")));
    }
    Ok(ways)
}

/// Waits, unless a signal comes.
fn wait(events: &Receiver<Event>, pause: Duration) -> Option<u8> {
    let until = clock::now() + pause;
    loop {
        match events.recv_timeout(until.saturating_duration_since(clock::now())) {
            Ok(Event::Signal(signal)) => return Some(signal),
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        }
    }
}

fn find(args: &Args, home: Home) -> Result<Tools, String> {
    match (&args.tools, home) {
        (Some(folder), _) => Ok(tools::within(folder)),
        (None, Home::Installed) => tools::beside_this_program(),
        (None, Home::Workspace(build)) => build(),
    }
}

/// Reads `ROW=INTERFACE`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (row, interface) = text.split_once('=').ok_or("ROW=INTERFACE")?;
    if row.is_empty() || interface.is_empty() {
        return Err("ROW=INTERFACE".into());
    }
    Ok((row.to_owned(), interface.to_owned()))
}

fn say(line: &str) {
    let _ = writeln!(io::stderr(), "netcheck: {line}");
}
