//! What an office could not send yet: one file for each run, written whole and synced before its id exists.
//!
//! A run is `waiting` until the hub acknowledged it, then `sent` for three days, so that the hub can ask for it again. A
//! full outbox refuses its oldest run, by name; nothing disappears silently.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use netcheck_common::os::file::sync_folder;
use netcheck_record::{clock, file};
use serde::{Deserialize, Serialize};

use crate::key;
use crate::office::Office;

/// How long a run is kept after the hub acknowledged it.
const KEPT: Duration = Duration::from_secs(72 * 3600);
/// The largest run, compressed.
pub const LARGEST: u64 = 2 << 20;
/// How many refused runs are named.
const NAMED: usize = 1000;

/// The outbox of an office.
#[derive(Debug)]
pub struct Outbox {
    folder: PathBuf,
    office: String,
    /// The most that waiting runs take, in bytes.
    most: u64,
    /// 16 digits that no other state folder has.
    series: String,
    next: u64,
}

/// A run that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number within the series.
    pub number: u64,
    /// Its id, everywhere.
    pub id: String,
    /// Its file.
    pub path: PathBuf,
}

/// A run that was refused because the outbox was full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its id.
    pub id: String,
    /// When, as records write it.
    pub at: String,
}

impl Outbox {
    /// Opens the outbox in a folder, which is made.
    ///
    /// # Errors
    /// The folder cannot be read or written.
    pub fn open(folder: &Path, office: &Office, most: u64) -> Result<Self, String> {
        let fault = |why: io::Error| format!("{}: {why}", folder.display());
        for part in ["waiting", "sent"] {
            fs::create_dir_all(folder.join(part)).map_err(fault)?;
        }
        let named = folder.join("series");
        let series = match file::text(&named, 64) {
            Ok(text) => text.trim().to_owned(),
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                let new = key::random::<8>()?;
                replace(&named, new.as_bytes()).map_err(fault)?;
                new
            }
            Err(why) => return Err(fault(why)),
        };
        let mut outbox =
            Outbox { folder: folder.to_owned(), office: office.name().to_owned(), most, series, next: 1 };
        let counted = file::text(&folder.join("last"), 64).ok().and_then(|text| text.trim().parse().ok());
        let highest = ["waiting", "sent"]
            .iter()
            .filter_map(|part| outbox.list(part).ok()?.last().map(|run| run.number));
        outbox.next = 1 + highest.chain(counted).max().unwrap_or(0);
        Ok(outbox)
    }

    /// Takes a run, for good: its id.
    ///
    /// # Errors
    /// It cannot be written, or is larger than any run may be.
    pub fn put(&mut self, run: &[u8]) -> Result<String, String> {
        let fault = |why: io::Error| format!("{}: {why}", self.folder.display());
        if run.len() as u64 > LARGEST {
            return Err(format!("a run of {} bytes is larger than the hub takes", run.len()));
        }
        self.make_room(run.len() as u64)?;
        let number = self.next;
        let path = self.folder.join("waiting").join(file_name(number));
        replace(&path, run).map_err(fault)?;
        self.next += 1;
        replace(&self.folder.join("last"), number.to_string().as_bytes()).map_err(fault)?;
        Ok(self.id(number))
    }

    /// The runs that wait, oldest first.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn waiting(&self) -> Result<Vec<Waiting>, String> {
        self.list("waiting").map_err(|why| format!("{}: {why}", self.folder.display()))
    }

    /// The hub has it.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn acknowledge(&self, run: &Waiting) -> Result<(), String> {
        let sent = self.folder.join("sent");
        fs::rename(&run.path, sent.join(file_name(run.number)))
            .and_then(|()| sync_folder(&sent))
            .and_then(|()| sync_folder(&self.folder.join("waiting")))
            .map_err(|why| format!("{}: {why}", run.path.display()))
    }

    /// The hub asks for runs again: those that are still here wait once more.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn send_again(&self, ids: &[String]) -> Result<usize, String> {
        let fault = |why: io::Error| format!("{}: {why}", self.folder.display());
        let mut count = 0;
        for run in self.list("sent").map_err(fault)? {
            if ids.contains(&run.id) {
                fs::rename(&run.path, self.folder.join("waiting").join(file_name(run.number)))
                    .map_err(fault)?;
                count += 1;
            }
        }
        if count > 0 {
            sync_folder(&self.folder.join("waiting")).map_err(fault)?;
        }
        Ok(count)
    }

    /// Forgets what was acknowledged more than three days before `now`.
    pub fn forget_old(&self, now: SystemTime) {
        for run in self.list("sent").unwrap_or_default() {
            let changed = fs::metadata(&run.path).and_then(|about| about.modified());
            let age = changed.ok().and_then(|changed| now.duration_since(changed).ok());
            if age.is_some_and(|age| age > KEPT) {
                let _ = fs::remove_file(&run.path);
            }
        }
    }

    /// Nobody will ever take this run: it is named, and gone.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn refuse(&self, run: &Waiting) -> Result<(), String> {
        self.name_refused(&[run])?;
        fs::remove_file(&run.path).map_err(|why| format!("{}: {why}", run.path.display()))
    }

    /// The runs that were refused and of which the hub does not know yet.
    #[must_use]
    pub fn refused(&self) -> Vec<Refused> {
        let text = file::text(&self.folder.join("refused"), 1 << 20).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The hub knows of the first `count` refused runs.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn refusals_are_known(&self, count: usize) -> Result<(), String> {
        let rest: Vec<Refused> = self.refused().into_iter().skip(count).collect();
        self.write_refused(&rest)
    }

    /// Refuses the oldest runs until so many bytes fit.
    fn make_room(&self, bytes: u64) -> Result<(), String> {
        let waiting = self.waiting()?;
        let size = |run: &Waiting| fs::metadata(&run.path).map_or(0, |about| about.len());
        let mut used: u64 = waiting.iter().map(size).sum();
        let mut refused = Vec::new();
        for run in &waiting {
            if used + bytes <= self.most {
                break;
            }
            used -= size(run);
            refused.push(run);
        }
        refused.into_iter().try_for_each(|run| self.refuse(run))
    }

    /// Writes the names of refused runs down, before the runs go: one that is named and still there is refused again,
    /// none disappears unnamed.
    fn name_refused(&self, runs: &[&Waiting]) -> Result<(), String> {
        let at = clock::timestamp();
        let mut all = self.refused();
        all.extend(runs.iter().map(|run| Refused { id: run.id.clone(), at: at.clone() }));
        let from = all.len().saturating_sub(NAMED);
        self.write_refused(all.get(from..).unwrap_or_default())
    }

    fn write_refused(&self, all: &[Refused]) -> Result<(), String> {
        let mut text = String::new();
        for one in all {
            text.push_str(&serde_json::to_string(one).map_err(|why| why.to_string())?);
            text.push('\n');
        }
        let path = self.folder.join("refused");
        replace(&path, text.as_bytes()).map_err(|why| format!("{}: {why}", path.display()))
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{}-{number}", self.office, self.series)
    }

    fn list(&self, part: &str) -> io::Result<Vec<Waiting>> {
        let mut runs = Vec::new();
        for entry in fs::read_dir(self.folder.join(part))? {
            let path = entry?.path();
            let number = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".run")?.parse().ok());
            if let Some(number) = number {
                runs.push(Waiting { number, id: self.id(number), path });
            }
        }
        runs.sort_by_key(|run| run.number);
        Ok(runs)
    }
}

fn file_name(number: u64) -> String {
    format!("{number:012}.run")
}

/// Replaces a file as a whole: after a crash it holds the old or the new bytes.
///
/// # Errors
/// It cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(folder: &Path, most: u64) -> Outbox {
        Outbox::open(folder, &Office::new("acme", "zurich").unwrap(), most).unwrap()
    }

    fn numbers(outbox: &Outbox) -> Vec<u64> {
        outbox.waiting().unwrap().iter().map(|run| run.number).collect()
    }

    #[test]
    fn runs_wait_in_order_until_they_are_acknowledged_and_can_be_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut outbox = opened(folder.path(), 1000);
        let ids: Vec<String> = [b"one", b"two"].map(|run| outbox.put(run).unwrap()).into();
        assert_eq!(numbers(&outbox), [1, 2]);
        let first = outbox.waiting().unwrap().remove(0);
        assert_eq!((&first.id, fs::read(&first.path).unwrap()), (&ids[0], b"one".to_vec()));
        outbox.acknowledge(&first).unwrap();
        assert_eq!(numbers(&outbox), [2]);
        assert_eq!(outbox.send_again(&ids), Ok(1));
        assert_eq!(numbers(&outbox), [1, 2]);
    }

    #[test]
    fn an_id_is_never_used_twice_even_when_everything_was_sent_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let first = opened(folder.path(), 1000).put(b"one").unwrap();
        let outbox = opened(folder.path(), 1000);
        outbox.acknowledge(&outbox.waiting().unwrap()[0]).unwrap();
        outbox.forget_old(SystemTime::UNIX_EPOCH + clock::since_epoch() + KEPT + KEPT);
        assert_eq!(outbox.send_again(std::slice::from_ref(&first)), Ok(0));
        let second = opened(folder.path(), 1000).put(b"two").unwrap();
        assert_eq!(first.rsplit_once('-').unwrap().0, second.rsplit_once('-').unwrap().0);
        assert_ne!(first, second);
    }

    #[test]
    fn a_full_outbox_refuses_its_oldest_runs_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut outbox = opened(folder.path(), 10);
        let ids: Vec<String> = (0..4).map(|_| outbox.put(b"1234").unwrap()).collect();
        assert_eq!(numbers(&outbox), [3, 4]);
        let names = |outbox: &Outbox| outbox.refused().into_iter().map(|one| one.id).collect::<Vec<_>>();
        assert_eq!(names(&outbox), ids[..2]);
        outbox.refusals_are_known(1).unwrap();
        assert_eq!(names(&outbox), ids[1..2]);
    }

    #[test]
    fn what_a_crash_left_half_written_is_no_run() {
        let folder = tempfile::tempdir().unwrap();
        let mut outbox = opened(folder.path(), 1000);
        fs::write(folder.path().join("waiting/000000000009.new"), b"half").unwrap();
        assert!(numbers(&outbox).is_empty());
        assert!(outbox.put(b"one").unwrap().ends_with("-1"));
    }
}
