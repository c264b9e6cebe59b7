//! One tool as a child: its share goes in, its lines come back as events.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::SyncSender;
use std::thread;

use netcheck_os::child as os_child;
use netcheck_record::escape;
use netcheck_record::record::Record;

use crate::env_secrets;
use crate::records;

/// The longest line that is taken from a tool. A record is a few kilobytes.
const LONGEST: u64 = 1 << 20;

/// What happens while the tools run.
#[derive(Debug)]
pub(crate) enum Event {
    /// A record, and the line it came in.
    Record(&'static str, Box<Record>, String),
    /// A line that is no record.
    Garbage(&'static str, String),
    /// A line of a tool's standard error, made harmless.
    Said(&'static str, String),
    /// One of a tool's streams has ended: its standard output or its standard error.
    Ended(&'static str),
    /// This process was asked to stop.
    Signal(u8),
}

/// Starts a tool and the threads that feed and read it; its input ends with `share`. The caller alone waits for it, so that its pid stays its own.
///
/// # Errors
/// The program, or a thread that attends to it, cannot be started.
pub(crate) fn start(
    tool: &'static str,
    program: &Path,
    args: &[String],
    share: impl IntoIterator<Item = String> + Send + 'static,
    events: &SyncSender<Event>,
) -> io::Result<Child> {
    let mut child = command(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    os_child::keep(&child);
    if let Err(why) = attend(tool, &mut child, share, events) {
        // Nobody would read what it says.
        let _ = child.kill();
        let _ = child.wait();
        return Err(why);
    }
    Ok(child)
}

/// Starts the threads that feed and read a tool.
fn attend(
    tool: &'static str,
    child: &mut Child,
    share: impl IntoIterator<Item = String> + Send + 'static,
    events: &SyncSender<Event>,
) -> io::Result<()> {
    if let Some(mut stdin) = child.stdin.take() {
        thread::Builder::new().spawn(move || {
            for line in share {
                // A tool that left early has said why on standard error.
                if writeln!(stdin, "{line}").is_err() {
                    return;
                }
            }
        })?;
    }
    if let Some(stderr) = child.stderr.take() {
        let events = events.clone();
        thread::Builder::new().spawn(move || {
            lines(stderr, |line| {
                events.send(Event::Said(tool, env_secrets::hide(&escape::bytes(line, 500)))).is_ok()
            });
            let _ = events.send(Event::Ended(tool));
        })?;
    }
    if let Some(stdout) = child.stdout.take() {
        let events = events.clone();
        thread::Builder::new().spawn(move || {
            lines(stdout, |line| events.send(read(tool, line)).is_ok());
            let _ = events.send(Event::Ended(tool));
        })?;
    }
    Ok(())
}

/// A tool about to be started. It learns who starts it, and asks the system to be ended when that process is.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("NETCHECK_PARENT", std::process::id().to_string());
    os_child::prepare(&mut command);
    command
}

/// Calls `each` for every line until it says no; lines beyond the bound arrive cut.
fn lines(from: impl Read, each: impl Fn(&[u8]) -> bool) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        match from.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if !text.is_empty() && !each(text) {
            return;
        }
    }
}

fn read(tool: &'static str, line: &[u8]) -> Event {
    // A half line of a tool that was killed is not a record: JSON does not parse, so nothing half reaches the file.
    match records::whole(line) {
        Some(record) => Event::Record(tool, Box::new(record), String::from_utf8_lossy(line).into_owned()),
        None => Event::Garbage(tool, env_secrets::hide(&escape::bytes(line, 120))),
    }
}
