//! What is to be checked: arguments, or lines of standard input, expanded as they are asked for.

use std::io::{BufRead, BufReader, Read};

use tokio::sync::mpsc;

use crate::spec::{Line, Rejected, Sampling, Spec};
use crate::target::{Invalid, Target};

/// A longer line is no target.
const LONGEST: u64 = 64 << 10;
/// How many pieces of standard input wait to be taken.
const AHEAD: usize = 4;

/// The next thing to do.
#[derive(Debug)]
pub(super) enum Item {
    Target(Target),
    Bad(Rejected),
}

/// Lines that were there at once: the one who waits for them is woken once, and reads them on its own thread.
#[derive(Default)]
struct Lines {
    text: String,
    read: usize,
    /// This is the beginning of a line that is too long.
    cut: bool,
}

/// Where the targets come from.
pub(super) struct Input {
    tool: &'static str,
    sampling: Sampling,
    own: std::vec::IntoIter<Target>,
    specs: std::vec::IntoIter<Spec>,
    stdin: Option<mpsc::Receiver<Lines>>,
    lines: Lines,
    expanding: Option<Box<dyn Iterator<Item = Target> + Send>>,
}

impl Input {
    /// The targets of flags and arguments; with none of either, of standard input.
    pub(super) fn new(tool: &'static str, sampling: Sampling, own: Vec<Target>, specs: Vec<Spec>) -> Self {
        let stdin = (specs.is_empty() && own.is_empty()).then(stdin);
        Input {
            tool,
            sampling,
            own: own.into_iter(),
            specs: specs.into_iter(),
            stdin,
            lines: Lines::default(),
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
                None => match self.lines.next(self.tool, self.sampling) {
                    Some(Ok(Line::Spec(spec))) => spec,
                    Some(Ok(Line::Nothing)) => continue,
                    Some(Err(bad)) => return Some(Item::Bad(bad)),
                    None => {
                        self.lines = self.stdin.as_mut()?.recv().await?;
                        continue;
                    }
                },
            };
            self.expanding = Some(spec.expand(self.sampling));
        }
    }
}

impl Lines {
    /// Reads one line; `None` after the last.
    fn next(&mut self, tool: &str, sampling: Sampling) -> Option<Result<Line, Rejected>> {
        let line = self.text.get(self.read..)?.split_inclusive('\n').next()?;
        self.read += line.len();
        if !self.cut {
            return Some(Spec::line(line, tool, sampling));
        }
        let why = Invalid::new("the line is too long");
        Some(Err(Rejected { text: line.trim().to_owned(), why, labels: None }))
    }
}

/// Reads standard input on a thread of its own: a pause in it must not hold up the checks in flight.
fn stdin() -> mpsc::Receiver<Lines> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        let mut input = BufReader::new(std::io::stdin().lock());
        if skip_mark(&mut input).is_ok() {
            while let Some(lines) = lines(&mut input)
                && sender.blocking_send(lines).is_ok()
            {}
        }
    });
    receiver
}

/// Reads a line, and those that are there already: nothing that is there waits for what is not. `None` at the end, or
/// where reading fails.
fn lines(input: &mut BufReader<impl Read>) -> Option<Lines> {
    let mut raw = Vec::new();
    let read = input.by_ref().take(LONGEST).read_until(b'\n', &mut raw);
    if !matches!(read, Ok(length) if length > 0) {
        return None;
    }
    let cut = !raw.ends_with(b"\n") && raw.len() as u64 >= LONGEST;
    if cut {
        // What cannot be skipped ends the input all the same: the next line is none.
        let _ = skip_line(input);
    } else {
        let there = input.buffer().iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        raw.extend_from_slice(&input.buffer()[..there]);
        input.consume(there);
    }
    Some(Lines { text: String::from_utf8_lossy(&raw).into_owned(), read: 0, cut })
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
