//! What is to be checked: arguments, or lines of standard input, expanded as they are asked for.

use std::io::{BufRead, BufReader, Read};

use tokio::sync::mpsc;

use crate::spec::{Line, Rejected, Sampling, Spec};
use crate::target::{Invalid, Target};

/// A longer line is no target.
const LONGEST: u64 = 64 << 10;
/// How many batches of lines wait to be taken, and how many lines are in one at the most.
const AHEAD: usize = 4;
const BATCH: usize = 64;

/// The next thing to do.
#[derive(Debug)]
pub(super) enum Item {
    Target(Target),
    Bad(Rejected),
}

/// Lines that were there at once: the one who waits for them is woken once.
type Batch = Vec<Result<Spec, Rejected>>;

/// Where the targets come from.
pub(super) struct Input {
    sampling: Sampling,
    own: std::vec::IntoIter<Target>,
    specs: std::vec::IntoIter<Spec>,
    lines: Option<mpsc::Receiver<Batch>>,
    taken: std::vec::IntoIter<Result<Spec, Rejected>>,
    expanding: Option<Box<dyn Iterator<Item = Target> + Send>>,
}

impl Input {
    /// The targets of flags and arguments; with none of either, of standard input.
    pub(super) fn new(tool: &'static str, sampling: Sampling, own: Vec<Target>, specs: Vec<Spec>) -> Self {
        let lines = (specs.is_empty() && own.is_empty()).then(|| lines(tool, sampling));
        Input {
            sampling,
            own: own.into_iter(),
            specs: specs.into_iter(),
            lines,
            taken: Vec::new().into_iter(),
            expanding: None,
        }
    }

    /// The next target or bad line; `None` at the end. Safe to be dropped while it waits.
    pub(super) async fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(target) = self.own.next() {
                return Some(Item::Target(target));
            }
            if let Some(target) = self.expanding.as_mut().and_then(Iterator::next) {
                return Some(Item::Target(target));
            }
            self.expanding = None;
            let spec = match self.specs.next() {
                Some(spec) => spec,
                None => match self.taken.next() {
                    Some(Ok(spec)) => spec,
                    Some(Err(bad)) => return Some(Item::Bad(bad)),
                    None => {
                        self.taken = self.lines.as_mut()?.recv().await?.into_iter();
                        continue;
                    }
                },
            };
            self.expanding = Some(spec.expand(self.sampling));
        }
    }
}

/// Reads standard input on a thread of its own: a pause in it must not hold up the checks in flight.
fn lines(tool: &'static str, sampling: Sampling) -> mpsc::Receiver<Batch> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        let mut input = BufReader::new(std::io::stdin().lock());
        let mut open = skip_mark(&mut input).is_ok();
        while open {
            let mut batch = Batch::new();
            // What is there already goes with the first; nothing that is there waits for what is not.
            while open && (batch.is_empty() || (batch.len() < BATCH && input.buffer().contains(&b'\n'))) {
                match line(&mut input, tool, sampling) {
                    Ok(Some(Line::Nothing)) => {}
                    Ok(Some(Line::Spec(spec))) => batch.push(Ok(spec)),
                    Err(rejected) => batch.push(Err(rejected)),
                    Ok(None) => open = false,
                }
            }
            open &= sender.blocking_send(batch).is_ok();
        }
    });
    receiver
}

/// Reads one line; `None` at the end, or where reading fails.
///
/// # Errors
/// The line is no target.
fn line(input: &mut impl BufRead, tool: &str, sampling: Sampling) -> Result<Option<Line>, Rejected> {
    let mut raw = Vec::new();
    let read = input.take(LONGEST).read_until(b'\n', &mut raw);
    if !matches!(read, Ok(length) if length > 0) {
        return Ok(None);
    }
    let line = String::from_utf8_lossy(&raw);
    if raw.ends_with(b"\n") || (raw.len() as u64) < LONGEST {
        return Spec::line(&line, tool, sampling).map(Some);
    }
    // What cannot be skipped ends the input all the same: the next line is none.
    let _ = skip_line(input);
    Err(Rejected { text: line.trim().to_owned(), why: Invalid::new("the line is too long"), labels: None })
}

/// Passes over a byte order mark, with which some editors begin a file.
fn skip_mark(input: &mut impl BufRead) -> std::io::Result<()> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    if input.fill_buf()?.starts_with(MARK) {
        input.consume(MARK.len());
    }
    Ok(())
}

/// Discards the rest of a line without keeping it.
fn skip_line(input: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let (length, done) = (end.map_or(buffer.len(), |end| end + 1), end.is_some() || buffer.is_empty());
        input.consume(length);
        if done {
            return Ok(());
        }
    }
}
