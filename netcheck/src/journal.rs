//! The file of a run: its lines, its records, whole lines only; locked while the run lasts.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use netcheck_os::file;

use crate::records::{RunLine, with_run};

/// From so many bytes on, the next round of `--watch` begins a new file.
const LARGE: u64 = 32 << 20;

/// The file of a run.
#[derive(Debug)]
pub(crate) struct Journal {
    out: Out,
    name: String,
    path: PathBuf,
    /// How many bytes are whole lines.
    whole: u64,
    /// How many records of the present run were written.
    written: u64,
    failed: bool,
    closed: bool,
}

#[derive(Debug)]
enum Out {
    File(File),
    /// A device or a pipe: written as it comes, and never cut.
    Stream(File),
    Stdout,
}

impl Journal {
    /// Opens the file and locks it; an existing one keeps its records under the name `FILE.1`. `-` is standard output.
    ///
    /// # Errors
    /// It cannot be written, or another run writes it.
    pub(crate) fn open(path: &Path) -> Result<Journal, String> {
        let name = path.display().to_string();
        let out = match name.as_str() {
            "-" => Out::Stdout,
            _ => open(path).map_err(|why| format!("{name}: {why}"))?,
        };
        Ok(Journal { out, name, path: path.to_owned(), whole: 0, written: 0, failed: false, closed: false })
    }

    /// Begins a new file where the present one is large; the last one stays under the name `FILE.1`.
    ///
    /// # Errors
    /// The new file cannot be opened.
    pub(crate) fn rotate(&mut self) -> Result<(), String> {
        if matches!(self.out, Out::File(_)) && self.whole > LARGE {
            let path = self.path.clone();
            self.out = Out::Stdout;
            self.out = open(&path).map_err(|why| format!("{}: {why}", self.name))?;
            self.whole = 0;
        }
        Ok(())
    }

    /// Writes a line of the run.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn run(&mut self, line: &RunLine) -> Result<(), String> {
        if matches!(line, RunLine::Start(_)) {
            self.written = 0;
        }
        self.line(&line.json())
    }

    /// Writes a record of the run, unbuffered: what is finished is on disk, whatever happens next.
    ///
    /// # Errors
    /// It cannot be written; a line written in part has been taken back.
    pub(crate) fn record(&mut self, line: &str, run: &str) -> Result<(), String> {
        self.line(&with_run(line, run))?;
        self.written += 1;
        Ok(())
    }

    /// Writes a line that is neither a record nor a line of the run.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn other(&mut self, line: &str) -> Result<(), String> {
        self.line(line)
    }

    /// How many records of the present run were written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let mut whole = String::with_capacity(line.len() + 1);
        whole.push_str(line);
        whole.push('\n');
        match self.put(whole.as_bytes()) {
            Ok(()) => {
                self.whole += whole.len() as u64;
                Ok(())
            }
            Err(why) => {
                self.failed = true;
                self.closed = self.is_stdout() && why.kind() == io::ErrorKind::BrokenPipe;
                if let Out::File(file) = &self.out {
                    let _ = file.set_len(self.whole);
                }
                Err(format!("{}: {why}: not every record is in it", self.name))
            }
        }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.out {
            Out::File(file) | Out::Stream(file) => file.write_all(bytes),
            Out::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(bytes)?;
                out.flush()
            }
        }
    }

    /// Whether a line could not be written.
    pub(crate) fn failed(&self) -> bool {
        self.failed
    }

    /// Whether the reader of standard output has left, satisfied.
    pub(crate) fn closed(&self) -> bool {
        self.closed
    }

    /// Whether the records go to standard output, so that the table has to go elsewhere.
    pub(crate) fn is_stdout(&self) -> bool {
        matches!(self.out, Out::Stdout)
    }
}

/// Opens and locks a file of records.
fn open(path: &Path) -> Result<Out, String> {
    let system = path.starts_with("/dev") || path.starts_with("/proc");
    let link = fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_symlink());
    refuse_planted_link(path)?;
    let regular = fs::metadata(path).map_or(true, |meta| meta.is_file());
    if system || !regular {
        let stream = OpenOptions::new().append(true).open(path).map_err(|why| why.to_string())?;
        return Ok(Out::Stream(stream));
    }
    let path = &if link { fs::canonicalize(path).map_err(|why| why.to_string())? } else { path.to_owned() };
    let mut file = locked(path)?;
    if file.metadata().is_ok_and(|meta| meta.len() > 0) {
        // The old file keeps its lock until its name is free, so that no other run takes it in between.
        let old = file;
        fs::rename(path, rotated(path)).map_err(|why| format!("the old file cannot be renamed: {why}"))?;
        file = locked(path)?;
        drop(old);
    }
    Ok(Out::File(file))
}

/// Refuses a symbolic link in a folder that everybody may write to: somebody else may have made it.
///
/// # Errors
/// It is one.
pub(crate) fn refuse_planted_link(path: &Path) -> Result<(), String> {
    let system = path.starts_with("/dev") || path.starts_with("/proc");
    let link = fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_symlink());
    if link && !system && shared_folder(path) {
        return Err(
            "it is a symbolic link in a folder that others may write to: name the file itself".to_owned()
        );
    }
    Ok(())
}

/// A file that this process alone writes, opened to be appended to.
fn locked(path: &Path) -> Result<File, String> {
    for _ in 0..8 {
        let file = OpenOptions::new().append(true).create(true).open(path).map_err(|why| why.to_string())?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err("another run writes it: wait for its end, or name another --output".to_owned());
            }
            // Some file systems know no locks.
            Err(TryLockError::Error(why)) if why.kind() == io::ErrorKind::Unsupported => return Ok(file),
            Err(TryLockError::Error(why)) => return Err(why.to_string()),
        }
        if file::is_named(&file, path) {
            return Ok(file);
        }
    }
    Err("other runs begin all the time: name another --output".to_owned())
}

/// `NAME.1`.
fn rotated(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".1");
    path.with_file_name(name)
}

/// Whether everybody may write to a file's folder, as to /tmp.
fn shared_folder(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    file::everybody_writes_to(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_runs_alone_and_an_old_one_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("netcheck.jsonl");
        fs::write(&path, "old\n").unwrap();
        let mut first = Journal::open(&path).unwrap();
        first.record("{\"v\":1,\"a\":2}", "r1").unwrap();
        assert!(Journal::open(&path).unwrap_err().contains("another run writes it"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"v\":1,\"run\":\"r1\",\"a\":2}\n");
        assert_eq!(fs::read_to_string(folder.path().join("netcheck.jsonl.1")).unwrap(), "old\n");
        drop(first);
        assert!(Journal::open(&path).is_ok());
    }

    #[test]
    fn a_link_in_a_folder_of_everybodys_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        let (victim, link) = (folder.path().join("victim"), folder.path().join("link"));
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, &link).unwrap();
        assert!(Journal::open(&link).unwrap_err().contains("symbolic link"));
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    }
}
