//! `quality`: how responsive the line is while it is full, and which part of an event's mix breaks first.

mod mix;
mod words;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};
use netcheck_os::child::ask_to_end;
use netcheck_record::clock;
use netcheck_record::record::Record;

use crate::child::{self, Event};
use crate::env_secrets;
use crate::number::count;
use crate::target::Share;
use crate::tool_flags::ToolFlags;
use crate::tools::{self, Tools};
use crate::{Home, out, signal};
use mix::{Part, Phase, Step};

/// How much longer than its measurement a tool may take.
const LONGER: Duration = Duration::from_secs(40);
/// How long a tool has for what it measured, once it is asked to end.
const GRACE: Duration = Duration::from_secs(4);

/// The form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Sentences
    Text,
    /// One JSON object
    Json,
}

/// Measure how responsive the line is while it is full, and which part of an event's mix breaks first
///
/// Each part of the mix is measured alone, then all at once, then all at once while downloads fill the line
/// (draft-ietf-ippm-responsiveness).
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// Address of a large file; its downloads fill the line
    #[arg(long, value_name = "https://HOST/FILE")]
    load: String,
    /// HLS playlist that a player plays
    #[arg(long, value_name = "https://HOST/LIST.m3u8")]
    play: Option<String>,
    /// Ingest server that a stream is published to; its key comes from RTMP_STREAM_KEY
    #[arg(long, value_name = "rtmps://HOST/APP")]
    publish: Option<String>,
    /// STUN server that answers datagrams sent as a telephone sends them
    #[arg(long, value_name = "stun://HOST")]
    datagrams: Option<String>,
    /// Bitrate of the published stream in kbit/s
    #[arg(long, value_name = "KBPS", default_value = "2500", value_parser = clap::value_parser!(u32).range(32..=200_000))]
    bitrate: u32,
    /// Length of each measurement
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = clap::value_parser!(u32).range(5..=300))]
    seconds: u32,
    /// Maximum volume of each download, in MB
    #[arg(long, value_name = "MB", default_value = "200", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    budget: u32,
    /// The form of the answer
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Folder of the tools [default: built by xtask, otherwise the folder of this program]
    #[arg(long, value_name = "FOLDER", env = "NETCHECK_TOOLS")]
    tools: Option<PathBuf>,
    /// Show the messages of the tools
    #[arg(short, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(flatten)]
    tool_flags: ToolFlags,
}

/// Runs the command.
///
/// # Errors
/// A usage error, or a measurement that could not be done: exit code 2.
pub(crate) fn run(args: &Args, home: Home) -> Result<u8, String> {
    args.tool_flags.validate()?;
    let parts = parts(args)?;
    let tools = match (&args.tools, home) {
        (Some(folder), _) => tools::within(folder),
        (None, Home::Installed) => tools::beside_this_program()?,
        (None, Home::Workspace(build)) => build()?,
    };
    if let Some(part) = parts.iter().find(|part| !tools.contains_key(part.tool)) {
        return Err(format!("check-{} is not here", part.tool));
    }
    let (sender, events) = mpsc::sync_channel(256);
    signal::listen(sender.clone())?;
    let phases = mix::phases(&parts);
    announce(args, &phases);
    let mut steps = Vec::new();
    for phase in &phases {
        let mut measured = Measured { args, tools: &tools, events: &events, sender: &sender, signal: None };
        let records = measured.run(phase)?;
        steps.push(Step::new(phase, records));
        if let Some(signal) = measured.signal {
            out::print(&shown(args, &steps))?;
            return Ok(signal::code(signal));
        }
    }
    out::print(&shown(args, &steps))?;
    Ok(u8::from(!words::holds(&steps)))
}

fn shown(args: &Args, steps: &[Step]) -> String {
    match args.format {
        Format::Text => words::text(steps),
        Format::Json => words::json(steps),
    }
}

/// The parts that were given; the load is the last.
fn parts(args: &Args) -> Result<Vec<Part>, String> {
    if args.publish.is_some() && !env_secrets::stream_key() {
        return Err("--publish needs the stream key in RTMP_STREAM_KEY".into());
    }
    let (seconds, budget) = (args.seconds.to_string(), args.budget.to_string());
    let probes = (args.seconds * 50).to_string();
    let bitrate = args.bitrate.to_string();
    let given = [
        ("play", args.play.as_ref(), vec!["--download", &seconds, "--budget", &budget]),
        ("publish", args.publish.as_ref(), vec!["--publish", &seconds, "--bitrate", &bitrate]),
        ("datagrams", args.datagrams.as_ref(), vec!["--count", &probes, "--interval", "20"]),
        ("load", Some(&args.load), vec!["--under-load", &seconds, "--budget", &budget]),
    ];
    let schemes = |name: &str| match name {
        "publish" => ["rtmp", "rtmps"],
        "datagrams" => ["stun", "stun"],
        _ => ["http", "https"],
    };
    let mut parts = Vec::new();
    for (name, target, flags) in given {
        let Some(target) = target else { continue };
        let scheme = target.split_once("://").map_or("", |(scheme, _)| scheme);
        if !schemes(name).contains(&scheme) {
            return Err(format!("--{name}: an address that begins with {}://", schemes(name)[1]));
        }
        let Share { tool, count } = Share::of(target, None).map_err(|why| format!("--{name}: {why}"))?;
        if count != 1 {
            return Err(format!("--{name}: one address"));
        }
        let args = flags.into_iter().map(str::to_owned).collect();
        parts.push(Part { name, tool, target: target.clone(), args });
    }
    Ok(parts)
}

/// How long it takes and what it sends.
fn announce(args: &Args, phases: &[Phase]) {
    let seconds = u64::try_from(phases.len()).unwrap_or(0) * u64::from(args.seconds);
    let downloads = phases.iter().flat_map(|phase| &phase.parts).filter(|part| part.tool == "tcp").count();
    let streams = phases.iter().flat_map(|phase| &phase.parts).filter(|part| part.name == "publish").count();
    let sent = f64::from(args.bitrate) * f64::from(args.seconds) / 8000.0
        * f64::from(u32::try_from(streams).unwrap_or(u32::MAX));
    let received = u64::from(args.budget) * u64::try_from(downloads).unwrap_or(0);
    say(&format!(
        "{}, about {seconds} s: receives up to {received} MB, sends about {sent:.0} MB",
        count(phases.len(), "measurement")
    ));
}

/// One phase while it runs.
struct Measured<'a> {
    args: &'a Args,
    tools: &'a Tools,
    events: &'a Receiver<Event>,
    sender: &'a SyncSender<Event>,
    signal: Option<u8>,
}

impl Measured<'_> {
    /// Runs the parts of a phase at once; the record of each.
    fn run(&mut self, phase: &Phase) -> Result<Vec<(&'static str, Option<Record>)>, String> {
        let mut children = Vec::new();
        for part in &phase.parts {
            let Some(program) = self.tools.get(part.tool) else { continue };
            let mut flags = self.args.tool_flags.without_measurements().args(part.tool, 1);
            flags.extend(part.args.iter().cloned());
            let share = vec![part.target.clone()];
            let child = child::start(part.name, program, &flags, share, self.sender)
                .map_err(|why| format!("check-{} could not be started: {why}", part.tool))?;
            children.push((part.name, child, 2_u8));
        }
        let mut records: Vec<(&'static str, Option<Record>)> =
            phase.parts.iter().map(|part| (part.name, None)).collect();
        let mut until = clock::now() + Duration::from_secs(u64::from(self.args.seconds)) + LONGER;
        while children.iter().any(|(_, _, streams)| *streams > 0) && clock::now() < until {
            match self.events.recv_timeout(Duration::from_millis(100)) {
                Ok(Event::Record(name, record, _)) => {
                    if let Some(slot) = records.iter_mut().find(|(of, _)| *of == name) {
                        slot.1 = Some(*record);
                    }
                }
                Ok(Event::Ended(name)) => {
                    if let Some(child) = children.iter_mut().find(|(of, _, _)| *of == name) {
                        child.2 = child.2.saturating_sub(1);
                    }
                }
                Ok(Event::Said(name, line) | Event::Garbage(name, line)) => {
                    if self.args.verbose > 0 {
                        say(&format!("{name}: {line}"));
                    }
                }
                Ok(Event::Signal(signal)) => {
                    self.signal.get_or_insert(signal);
                    children.iter_mut().for_each(|(_, child, _)| ask_to_end(child));
                    until = until.min(clock::now() + GRACE);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        for (_, child, streams) in &mut children {
            if *streams > 0 {
                let _ = child.kill();
            }
            let _ = child.wait();
        }
        Ok(records)
    }
}

fn say(line: &str) {
    let _ = writeln!(io::stderr(), "netcheck: {line}");
}
