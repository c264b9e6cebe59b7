//! `--textfile`: the metrics of each round, in a file that is read at any moment and therefore replaced whole.

use std::fs;
use std::io;
use std::path::Path;

use super::round::Round;
use super::{Job, screen};
use crate::report::{self, Subject};

/// Writes the metrics of a finished round; one that was cut short leaves the file as it was.
///
/// # Errors
/// The file cannot be written or put in its place.
pub(super) fn write(job: &Job, round: &Round) -> Result<(), String> {
    let Some(file) = job.args.textfile.as_deref().filter(|_| round.signal.is_none()) else { return Ok(()) };
    let survey = screen::survey(job, &round.records);
    let subject = Subject { profile: &job.profile, records: &round.records, survey };
    replace(file, &report::metrics(&subject)).map_err(|why| format!("{}: {why}", file.display()))
}

/// Puts a new file in the place of an old one. Its first name ends in `.part`: node_exporter reads only `*.prom`.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let mut name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".part");
    let part = file.with_file_name(name);
    fs::write(&part, text)?;
    fs::rename(&part, file).inspect_err(|_| drop(fs::remove_file(&part)))
}
