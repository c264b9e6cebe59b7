//! Records read back from files and streams: every text in them is as hostile as the network.

mod intern;
mod line;
mod observation;
mod run_line;
mod time;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use intern::Interner;
use line::RecordLine;
use netcheck_record::record::{Record, VERSION};
pub(crate) use observation::{CauseKey, Counts, Detail, Observation};
pub(crate) use run_line::{Chosen, ProfileId, Run, RunEnd, RunLine, RunStart, with_run};
pub(crate) use time::{milliseconds, utc};

/// The longest line that is read, in bytes.
const LONGEST: u64 = 1 << 20;
/// As many lines may be longer than that.
const ENDLESS: u32 = 16;
/// The most records that are read: a bound on memory (about 100 bytes each).
const MOST: usize = 8_000_000;
/// The most records that are kept whole, for pages.
const SAMPLES: u32 = 2_000;
/// Beyond so many records, evidence is kept for the first few of each cause alone.
const DETAILED: u32 = 5_000;
/// How many of each cause keep their evidence beyond that.
const DETAILED_ALIKE: usize = 4;

/// What files and streams hold: observations, the runs they belong to, and what could not be read.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// One for each record, in the order of the input.
    pub(crate) observations: Vec<Observation>,
    /// The runs whose lines were read, in the order of the input.
    pub(crate) runs: Vec<Run>,
    /// How many records name no run.
    pub(crate) without_run: u64,
    /// How many lines are neither a record nor a run line.
    pub(crate) bad: u64,
    /// Whether the last line of an input ends in the middle.
    pub(crate) torn: bool,
    /// Whole records by their position, for pages: the first ones.
    pub(crate) samples: BTreeMap<u32, Record>,
    /// This machine's public address, where a STUN server told it.
    pub(crate) public_address: Option<String>,
    /// How many records were read.
    read: u32,
    interner: Interner,
    alike: BTreeMap<(u64, u64), usize>,
}

impl Input {
    /// Reads files in order; `-` is standard input.
    ///
    /// # Errors
    /// A file that cannot be read, or more records than are kept.
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Input, String> {
        let mut input = Input::default();
        for path in paths {
            if path.as_os_str() == "-" {
                input.lines(io::stdin().lock(), Path::new("standard input"))?;
            } else {
                let file = File::open(path).map_err(|why| format!("{}: {why}", path.display()))?;
                input.lines(BufReader::with_capacity(1 << 16, file), path)?;
            }
        }
        Ok(input)
    }

    /// Reads lines; `name` is where they come from.
    ///
    /// # Errors
    /// They cannot be read, or are more records than are kept.
    pub(crate) fn lines(&mut self, from: impl BufRead, name: &Path) -> Result<(), String> {
        each_line(from, name, |line, whole| {
            let bad = self.bad;
            self.line(line);
            self.torn |= !whole && self.bad > bad;
            if self.observations.len() > MOST {
                return Err(format!("{}: more than {MOST} records", name.display()));
            }
            Ok(())
        })
    }

    /// Takes one line: a record, a run line, or neither.
    pub(crate) fn line(&mut self, text: &[u8]) {
        match serde_json::from_slice::<RecordLine>(text) {
            Ok(line) if line.v == VERSION && line.target.is_some() && line.verdict.is_some() => {
                self.record(&line, text);
            }
            // A rehearsal's file tells of changes between its records.
            Ok(line) if line.v == VERSION && line.change.is_some() => {}
            Ok(line) if line.v == VERSION => match line.run.and_then(RunLine::parse) {
                Some(run) => self.run(run),
                None => self.bad += 1,
            },
            _ => self.bad += 1,
        }
    }

    fn record(&mut self, line: &RecordLine, text: &[u8]) {
        let id = line.run.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        let run = match id {
            None => {
                self.without_run += 1;
                None
            }
            Some(id) => Some(self.run_of(&id)),
        };
        let detailed = self.detailed(line);
        let position = self.read;
        self.read += 1;
        let observation = Observation::read(line, run, detailed, position, &mut self.interner);
        if self.public_address.is_none()
            && let Some(facts) = line.facts.filter(|_| observation.endpoint.scheme() == "stun")
        {
            self.public_address = line::mapped_address(facts);
        }
        if (position < SAMPLES || detailed && position > DETAILED)
            && let Some(record) = whole(text)
        {
            self.samples.insert(position, record);
        }
        self.observations.push(observation);
    }

    /// Whether a record keeps its evidence: all do in a run of usual size.
    fn detailed(&mut self, line: &RecordLine) -> bool {
        let key = self.interner.kind(line);
        let seen = self.alike.entry(key).or_default();
        *seen += 1;
        self.read < DETAILED || *seen <= DETAILED_ALIKE
    }

    /// The position of a run of that id; records may come before its line, or without it.
    fn run_of(&mut self, id: &str) -> u32 {
        let at = match self.runs.iter().rposition(|run| run.id == id) {
            Some(at) => at,
            None => {
                self.runs.push(Run { id: id.to_owned(), ..Run::default() });
                self.runs.len() - 1
            }
        };
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// Takes the line that begins or ends a run.
    fn run(&mut self, line: RunLine) {
        match line {
            RunLine::Start(start) => {
                let at = self.run_of(&start.id) as usize;
                self.runs[at].start.get_or_insert(*start);
            }
            RunLine::End(end) => {
                let at = self.run_of(&end.id) as usize;
                self.runs[at].end.get_or_insert(end);
            }
        }
    }

    /// Everything that was read; what was kept to share texts is let go.
    pub(crate) fn take(&mut self) -> Vec<Observation> {
        self.interner = Interner::default();
        self.alike = BTreeMap::new();
        std::mem::take(&mut self.observations)
    }

    /// Keeps the observations that `keep` wants.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Observation) -> bool) {
        self.observations.retain(keep);
    }
}

/// Whether a line is a record, as [`Input`] counts them.
pub(crate) fn is_record(text: &[u8]) -> bool {
    serde_json::from_slice::<RecordLine>(text)
        .is_ok_and(|line| line.v == VERSION && line.target.is_some() && line.verdict.is_some())
}

/// A whole record; an action that this version does not know is left out.
pub(crate) fn whole(text: &[u8]) -> Option<Record> {
    if let Ok(record) = serde_json::from_slice(text) {
        return Some(record);
    }
    let mut value: serde_json::Value = serde_json::from_slice(text).ok()?;
    value.get_mut("cause")?.as_object_mut()?.remove("action")?;
    serde_json::from_value(value).ok()
}

/// Calls `each` for every line that is not blank, and whether it ended with a line break.
///
/// # Errors
/// The input cannot be read, or `each` says no.
pub(crate) fn each_line(
    mut from: impl BufRead,
    name: &Path,
    mut each: impl FnMut(&[u8], bool) -> Result<(), String>,
) -> Result<(), String> {
    let mut line = Vec::new();
    let mut endless = 0;
    loop {
        line.clear();
        let count = from.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        if count.map_err(|why| format!("{}: {why}", name.display()))? == 0 {
            return Ok(());
        }
        let whole = line.ends_with(b"\n");
        endless += u32::from(!whole && line.len() as u64 == LONGEST);
        if endless > ENDLESS {
            return Err(format!("{}: its lines are longer than {LONGEST} bytes: no records", name.display()));
        }
        let text = line.trim_ascii();
        if !text.is_empty() {
            each(text, whole)?;
        }
    }
}

#[cfg(test)]
mod tests;
