//! Records read back from files: what stands in them is as hostile as the network.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use netcheck_record::record::{Record, VERSION};

/// The longest line that is read.
const LONGEST: u64 = 1 << 20;
/// The most records that are read: a bound on memory.
const MOST: usize = 1_000_000;

/// Records, and how many lines were none.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// What was read.
    pub(crate) records: Vec<Record>,
    /// How many lines were no records.
    pub(crate) bad: u64,
}

/// Reads files in order; `-` is standard input.
///
/// # Errors
/// A file that cannot be read, or more records than are kept.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Loaded, String> {
    let mut all = Loaded::default();
    for path in paths {
        if path.as_os_str() == "-" {
            lines(io::stdin().lock(), &mut all, Path::new("standard input"))?;
        } else {
            let file = File::open(path).map_err(|why| format!("{}: {why}", path.display()))?;
            lines(BufReader::new(file), &mut all, path)?;
        }
    }
    Ok(all)
}

/// Reads lines; `name` is where they come from.
///
/// # Errors
/// They cannot be read, or are more records than are kept.
pub(crate) fn lines(mut from: impl BufRead, all: &mut Loaded, name: &Path) -> Result<(), String> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let count = from.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        if count.map_err(|why| format!("{}: {why}", name.display()))? == 0 {
            return Ok(());
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        match serde_json::from_slice::<Record>(text) {
            Ok(record) if record.v == VERSION => all.records.push(record),
            _ => all.bad += 1,
        }
        if all.records.len() > MOST {
            return Err(format!("{}: more than {MOST} records", name.display()));
        }
    }
}
