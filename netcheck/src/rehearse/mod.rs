//! `rehearse`: the connections and streams of a show, together and for its whole length; what ends them, and when.

mod answers;
mod cuts;
mod lanes;
mod page;
mod show;
mod system;
mod timeline;
mod words;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use clap::Args as ClapArgs;
use netcheck_record::record::Verdict;

use crate::env_secrets;
use crate::journal::{self, Journal};
use crate::plan;
use crate::profile::choice::Choice;
use crate::tool_flags::ToolFlags;
use crate::tools;
use crate::{Home, out, signal};
use lanes::{Lane, Terms};
use show::{Ending, Show};
use timeline::Timeline;

/// The longest line that is read from a file of a rehearsal, in bytes.
const LONGEST: usize = 1 << 20;

/// Hold and load the connections of a show for as long as it lasts, and say what ends them
///
/// WebSockets are held active and idle, device push connections idle; STUN servers are probed, players download, and with
/// RTMP_STREAM_KEY and TURN_USERNAME and TURN_PASSWORD a stream is published and calls are relayed, all at once.
/// Connections that end are opened again. SIGINT keeps everything that was measured.
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// Length of the show: 90s, 45m, 2h
    #[arg(long = "for", value_name = "TIME", value_parser = length, required_unless_present = "read")]
    lasts: Option<f64>,
    #[command(flatten)]
    choice: Choice,
    /// Maximum volume of streams, calls and downloads together
    #[arg(long, value_name = "MB", default_value = "500", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    budget: u32,
    /// Bitrate of the published stream in kbit/s
    #[arg(long, value_name = "KBPS", default_value = "2500", value_parser = clap::value_parser!(u32).range(32..=200_000))]
    bitrate: u32,
    /// File for the timeline; an existing one is kept as FILE.1
    #[arg(long, value_name = "FILE", default_value = "rehearsal.jsonl")]
    output: PathBuf,
    /// File for the page
    #[arg(long, value_name = "FILE.html", default_value = "rehearsal.html")]
    page: PathBuf,
    /// Make the page from the file of an earlier rehearsal; nothing is sent
    #[arg(long, value_name = "FILE", conflicts_with_all = ["lasts", "output"])]
    read: Option<PathBuf>,
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
/// A usage error, or a rehearsal that could not be done: exit code 2.
pub(crate) fn run(args: &Args, home: Home) -> Result<u8, String> {
    if let Some(file) = &args.read {
        return finish(&read(file)?, args, &Ending::default());
    }
    args.tool_flags.validate()?;
    let profile = args.choice.load()?;
    let plan = plan::lines(&profile, args.tool_flags.sample)?;
    let terms = Terms {
        seconds: args.lasts.unwrap_or(60.0),
        budget: f64::from(args.budget),
        bitrate: args.bitrate,
        publishes: env_secrets::stream_key(),
        relays: env_secrets::turn_credentials(),
    };
    let mut lanes = lanes::lanes(&plan, &terms);
    let tools = match (&args.tools, home) {
        (Some(folder), _) => tools::within(folder),
        (None, Home::Installed) => tools::beside_this_program()?,
        (None, Home::Workspace(build)) => build()?,
    };
    let missing: Vec<&Lane> = lanes.iter().filter(|lane| !tools.contains_key(lane.tool)).collect();
    let broken = missing
        .iter()
        .map(|lane| format!("check-{} is not here: no part {}", lane.tool, lane.part))
        .collect();
    lanes.retain(|lane| tools.contains_key(lane.tool));
    if lanes.is_empty() {
        return Err(
            "the profile names no WebSocket, stream, relay, playlist or push service that can be held".into(),
        );
    }
    let mut journal = Journal::open(&args.output)?;
    let (sender, events) = mpsc::sync_channel(1024);
    signal::listen(sender.clone())?;
    announce(&lanes, &terms, args);
    let show = Show::begin(args, &profile, &lanes, &tools, &mut journal, &sender, broken)?;
    let (timeline, ending) = show.last(&events);
    finish(&timeline, args, &ending)
}

/// What is about to be done, and how much it sends.
fn announce(lanes: &[Lane], terms: &Terms, args: &Args) {
    let parts: Vec<String> = lanes.iter().map(|lane| format!("{} {}", lane.feeds.len(), lane.part)).collect();
    let volume: f64 = lanes.iter().map(|lane| lane.volume).sum();
    say(&format!(
        "rehearsal of {}: {}; up to {volume:.0} MB of media (--budget {} MB), timeline in {}",
        words::clock_seconds(terms.seconds),
        parts.join(", "),
        args.budget,
        args.output.display()
    ));
    if !terms.publishes && lanes.iter().any(|lane| lane.tool == "rtmps") {
        say("no stream is published: RTMP_STREAM_KEY is not set");
    }
    if !terms.relays && lanes.iter().any(|lane| lane.part == "relay") {
        say("no call is relayed: TURN_USERNAME and TURN_PASSWORD are not set");
    }
}

/// Writes the page, prints the text; the exit code.
fn finish(timeline: &Timeline, args: &Args, ending: &Ending) -> Result<u8, String> {
    let changes: Vec<f64> = timeline.changes.iter().map(|(at, _)| *at).collect();
    let findings = cuts::patterns(&timeline.lives, &changes);
    let page = &args.page;
    journal::refuse_planted_link(page)
        .and_then(|()| fs::write(page, page::page(timeline, &findings)).map_err(|why| why.to_string()))
        .map_err(|why| format!("{}: {why}", page.display()))?;
    out::print(&words::text(timeline, &findings))?;
    ending.broken.iter().for_each(|line| say(line));
    let (verdict, _) = words::headline(timeline, &findings);
    Ok(match ending.signal {
        Some(signal) => signal::code(signal),
        None if !ending.broken.is_empty() => 2,
        None => u8::from(verdict != Verdict::Pass),
    })
}

/// The timeline of a file.
fn read(file: &Path) -> Result<Timeline, String> {
    let text = fs::read(file).map_err(|why| format!("{}: {why}", file.display()))?;
    let mut timeline = Timeline::default();
    for line in text.split(|byte| *byte == b'\n').filter(|line| line.len() < LONGEST) {
        timeline.line(&String::from_utf8_lossy(line));
    }
    if timeline.start.is_none() {
        return Err(format!("{}: not the file of a rehearsal", file.display()));
    }
    Ok(timeline)
}

/// A length of time: a number and `s`, `m` or `h`.
fn length(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.char_indices().next_back() {
        Some((at, 's')) => (text.get(..at), 1.0),
        Some((at, 'm')) => (text.get(..at), 60.0),
        Some((at, 'h')) => (text.get(..at), 3600.0),
        _ => (Some(text), 1.0),
    };
    match number.and_then(|number| number.parse::<f64>().ok()).map(|number| number * unit) {
        Some(seconds) if (10.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("a time such as 90s, 45m or 2h: at least 10 s, at most a day".into()),
    }
}

fn say(line: &str) {
    let _ = writeln!(io::stderr(), "netcheck: {line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_a_unit_and_two_bounds() {
        assert_eq!(
            (length("2h"), length("45m"), length("90s"), length("30")),
            (Ok(7200.0), Ok(2700.0), Ok(90.0), Ok(30.0))
        );
        for wrong in ["", "h", "5s", "25h", "nan", "-2h", "2 d", "é"] {
            assert!(length(wrong).is_err(), "{wrong}");
        }
    }
}
