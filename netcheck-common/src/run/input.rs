//! What is to be checked: arguments, or lines of standard input, expanded as they are asked for.

use std::io::{BufRead, BufReader, Read};

use tokio::sync::mpsc;

use crate::spec::{Line, Rejected, Sampling, Spec};
use crate::target::{Invalid, Target};

/// A longer line is no target.
const LONGEST: u64 = 64 << 10;
/// How many lines wait to be taken.
const AHEAD: usize = 256;

/// The next thing to do.
#[derive(Debug)]
pub(super) enum Item {
    Target(Target),
    Bad(Rejected),
}

/// Where the targets come from.
pub(super) struct Input {
    sampling: Sampling,
    own: std::vec::IntoIter<Target>,
    specs: std::vec::IntoIter<Spec>,
    lines: Option<mpsc::Receiver<Result<Spec, Rejected>>>,
    expanding: Option<Box<dyn Iterator<Item = Target> + Send>>,
}

impl Input {
    /// The targets of flags and arguments; with none of either, of standard input.
    pub(super) fn new(tool: &'static str, sampling: Sampling, own: Vec<Target>, specs: Vec<Spec>) -> Self {
        let lines = (specs.is_empty() && own.is_empty()).then(|| lines(tool, sampling));
        Input { sampling, own: own.into_iter(), specs: specs.into_iter(), lines, expanding: None }
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
                None => match self.lines.as_mut()?.recv().await? {
                    Ok(spec) => spec,
                    Err(bad) => return Some(Item::Bad(bad)),
                },
            };
            self.expanding = Some(spec.expand(self.sampling));
        }
    }
}

/// Reads standard input on a thread of its own: a pause in it must not hold up the checks in flight.
fn lines(tool: &'static str, sampling: Sampling) -> mpsc::Receiver<Result<Spec, Rejected>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        let mut input = BufReader::new(std::io::stdin().lock());
        let mut raw = Vec::new();
        loop {
            raw.clear();
            let read = (&mut input).take(LONGEST).read_until(b'\n', &mut raw);
            if !matches!(read, Ok(length) if length > 0) {
                return;
            }
            let whole = raw.ends_with(b"\n") || (raw.len() as u64) < LONGEST;
            let line = String::from_utf8_lossy(&raw).into_owned();
            let read = if whole {
                Spec::line(&line, tool, sampling)
            } else {
                if skip_line(&mut input).is_err() {
                    return;
                }
                Err(Rejected {
                    text: line.trim().to_owned(),
                    why: Invalid::new("the line is too long"),
                    labels: None,
                })
            };
            let item = match read {
                Ok(Line::Nothing) => continue,
                Ok(Line::Spec(spec)) => Ok(spec),
                Err(rejected) => Err(rejected),
            };
            if sender.blocking_send(item).is_err() {
                return;
            }
        }
    });
    receiver
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
