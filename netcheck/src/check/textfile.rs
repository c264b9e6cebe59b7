//! `--textfile`: the metrics of each round, in a file that is read at any moment and therefore replaced whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::Job;
use super::round::Round;
use crate::assess::Assessment;
use crate::report::{self, Subject};

/// Writes the metrics of a finished round; one that was cut short leaves the file as it was.
///
/// # Errors
/// The file cannot be written or put in its place.
pub(super) fn write(job: &Job, round: &Round, assessment: &Assessment) -> Result<(), String> {
    let Some(file) = job.args.textfile.as_deref().filter(|_| round.signal.is_none()) else { return Ok(()) };
    let subject = Subject { profile: &job.profile, input: &round.input, assessment };
    replace(file, &report::metrics(&subject)).map_err(|why| format!("{}: {why}", file.display()))
}

/// Puts a new file in the place of an old one. Its first name ends in `.part`: node_exporter reads only `*.prom`.
/// What is no regular file is written as it is.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    if fs::symlink_metadata(file).is_ok_and(|meta| !meta.is_file()) {
        if fs::metadata(file).is_ok_and(|meta| meta.is_dir()) {
            return Err(io::Error::other("it is a folder"));
        }
        if fs::symlink_metadata(file).is_ok_and(|meta| meta.is_symlink()) && !file.starts_with("/dev") {
            return Err(io::Error::other("it is a symbolic link: name the file itself"));
        }
        return fs::OpenOptions::new().write(true).open(file)?.write_all(text.as_bytes());
    }
    let mut name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".part");
    let part = file.with_file_name(name);
    let written =
        File::create(&part).and_then(|mut out| out.write_all(text.as_bytes()).and_then(|()| out.sync_all()));
    written.and_then(|()| fs::rename(&part, file)).inspect_err(|_| drop(fs::remove_file(&part)))
}
