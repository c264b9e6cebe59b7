//! The file that holds every record, whole lines only.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// The file that holds every record, whole lines only.
#[derive(Debug)]
pub(crate) struct Journal {
    out: Out,
    name: String,
    /// How many bytes are whole lines.
    whole: u64,
    failed: bool,
    closed: bool,
}

#[derive(Debug)]
enum Out {
    File(File),
    Stdout,
}

impl Journal {
    /// Opens the file; `-` is standard output.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn open(path: &Path) -> Result<Journal, String> {
        let name = path.display().to_string();
        let out = if name == "-" {
            Out::Stdout
        } else {
            Out::File(File::create(path).map_err(|why| format!("{name}: {why}"))?)
        };
        Ok(Journal { out, name, whole: 0, failed: false, closed: false })
    }

    /// Writes one line, unbuffered: what is finished is on disk, whatever happens next.
    ///
    /// # Errors
    /// It cannot be written; a line written in part has been taken back.
    pub(crate) fn write(&mut self, line: &str) -> Result<(), String> {
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
            Out::File(file) => file.write_all(bytes),
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
