//! What is to be checked: arguments, or lines of standard input, expanded as they are asked for.

use std::io::{self, BufRead, BufReader, Read};

use tokio::sync::mpsc;

use super::output::report_error;
use netcheck_record::spec::{Line, Rejected, Sampling, Spec};
use netcheck_record::target::{Invalid, Target};

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
    text: Vec<u8>,
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
    stdin: Option<mpsc::Receiver<io::Result<Lines>>>,
    lines: Lines,
    /// Standard input could not be read to its end.
    pub(super) broken: bool,
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
            broken: false,
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
                        match self.stdin.as_mut()?.recv().await? {
                            Ok(lines) => self.lines = lines,
                            Err(error) => {
                                self.broken = true;
                                let tool = self.tool;
                                report_error(&format!(
                                    "check-{tool}: standard input cannot be read: {error}"
                                ));
                            }
                        }
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
        let line = self.text.get(self.read..)?.split_inclusive(|byte| *byte == b'\n').next()?;
        self.read += line.len();
        let why = match std::str::from_utf8(line) {
            _ if is_comment(line) => return Some(Ok(Line::Nothing)),
            _ if self.cut => "the line is too long",
            Ok(line) => return Some(Spec::line(line, tool, sampling)),
            Err(_) => "the line is not UTF-8",
        };
        let text = String::from_utf8_lossy(line).trim().to_owned();
        Some(Err(Rejected { text, why: Invalid::new(why), labels: None }))
    }
}

/// Whether a line is passed over, whatever it is written in and however long it is.
fn is_comment(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"#")
}

/// Reads standard input on a thread of its own: a pause in it must not hold up the checks in flight.
fn stdin() -> mpsc::Receiver<io::Result<Lines>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let reader = std::thread::Builder::new().name("input".to_owned());
    // Without a thread the sender is gone: the input ends at once.
    let _ = reader.spawn(move || {
        let mut input = BufReader::new(io::stdin().lock());
        let mut going = skip_mark(&mut input).map(Some);
        while let Ok(Some(())) = going {
            going = match lines(&mut input) {
                Ok(None) => Ok(None),
                Ok(Some(lines)) => Ok(sender.blocking_send(Ok(lines)).ok()),
                Err(error) => Err(error),
            };
        }
        if let Err(error) = going {
            let _ = sender.blocking_send(Err(error));
        }
    });
    receiver
}

/// Reads a line, and those that are there already: nothing that is there waits for what is not. `None` at the end.
fn lines(input: &mut BufReader<impl Read>) -> io::Result<Option<Lines>> {
    skip_blanks(input)?;
    let mut raw = Vec::new();
    if input.by_ref().take(LONGEST).read_until(b'\n', &mut raw)? == 0 {
        return Ok(None);
    }
    let cut = !raw.ends_with(b"\n") && raw.len() as u64 >= LONGEST;
    if cut {
        // Where the rest cannot be read, the next line says so.
        let _ = skip_line(input);
    } else {
        let there = input.buffer().iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        raw.extend_from_slice(&input.buffer()[..there]);
        input.consume(there);
    }
    Ok(Some(Lines { text: raw, read: 0, cut }))
}

/// Passes over a byte order mark, with which some editors begin a file.
fn skip_mark(input: &mut impl BufRead) -> io::Result<()> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    if input.fill_buf()?.starts_with(MARK) {
        input.consume(MARK.len());
    }
    Ok(())
}

/// Discards blanks and blank lines before a line, however many.
fn skip_blanks(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let blanks = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let done = blanks < buffer.len() || buffer.is_empty();
        input.consume(blanks);
        if done {
            return Ok(());
        }
    }
}

/// Discards the rest of a line without keeping it.
fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
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
