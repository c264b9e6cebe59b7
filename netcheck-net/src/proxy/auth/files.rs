//! The files of Kerberos on this machine: settings, caches, and the detour to caches that are no files.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use netcheck_kerberos::config::Files;
use netcheck_kerberos::{Ccache, Fault, Identity, Location, ccache, location};

use netcheck_record::file;

use crate::clock;

/// Where the settings are.
pub(super) fn config_paths() -> String {
    std::env::var("KRB5_CONFIG")
        .ok()
        .filter(|paths| !paths.is_empty())
        .unwrap_or_else(|| "/etc/krb5.conf".to_owned())
}

/// This machine's files, as `krb5.conf` includes them.
pub(super) struct Disk;

impl Files for Disk {
    fn text(&mut self, path: &str, most: usize) -> Option<String> {
        text(Path::new(path), most)
    }

    fn names(&mut self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.take(256).filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }
}

/// Reads a file of at most `most` bytes.
pub(super) fn bytes(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    // What is longer is refused by its reader.
    file::beginning(path, most as u64 + 1)
}

/// Reads a text of at most `most` bytes; `None` where it cannot be read or is not UTF-8.
pub(super) fn text(path: &Path, most: usize) -> Option<String> {
    Some(String::from_utf8_lossy(&bytes(path, most).ok()?).into_owned())
}

/// A cache in a file.
pub(super) fn cache(file: &Path, place: &Location) -> Result<Identity, Fault> {
    let place = place.to_string();
    match bytes(file, ccache::LARGEST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Fault::NoTicket { looked: format!("{place} does not exist") })
        }
        Err(error) => Err(Fault::Unreadable { what: place, why: error.kind().to_string() }),
        Ok(raw) => match Ccache::parse(&raw) {
            Ok(cache) => Ok(Identity::Cache { cache, place }),
            Err(why) => Err(Fault::Unreadable { what: place, why: why.to_owned() }),
        },
    }
}

/// Has MIT's `kvno` copy the service's ticket out of a cache that a program or the kernel keeps.
pub(super) async fn bridge(kind: &str, service: &str, bound: Duration) -> Result<Identity, Fault> {
    let fault = |why: String| Fault::OtherCache { kind: kind.to_owned(), why };
    let folder = std::env::temp_dir().join(format!("netcheck-{}-{}", std::process::id(), random()));
    netcheck_os::user::make_private_folder(&folder).map_err(|error| fault(error.kind().to_string()))?;
    let file = folder.join("cache");
    let outcome = copy(&file, service, bound).await.map_err(fault).and_then(|()| {
        cache(&file, &Location::Other { kind: kind.to_owned(), name: format!("{kind} (by kvno)") })
    });
    let _ = fs::remove_dir_all(&folder);
    outcome
}

async fn copy(file: &Path, service: &str, bound: Duration) -> Result<(), String> {
    let [program, arguments @ ..] = location::bridge(&file.display().to_string(), service);
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let child =
        command.spawn().map_err(|_| "kvno of MIT Kerberos is needed to read it, and is not installed")?;
    let output = clock::within(bound, child.wait_with_output()).await.ok_or("kvno did not end in time")?;
    let output = output.map_err(|error| error.kind().to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(format!("kvno says: {}", netcheck_record::escape::line(&said, 200)))
}

fn random() -> u64 {
    let mut raw = [0; 8];
    let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut raw);
    u64::from_be_bytes(raw)
}
