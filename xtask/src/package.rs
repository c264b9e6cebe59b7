//! Debian packages that tests need: those of packages.txt are installed where they are missing; those of packages-unpacked.txt
//! conflict with them, so they are unpacked into the target folder.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::Uid;

use crate::dist::programs::target_folder;
use crate::workspace::{root, say, step};

/// The packages that a list in a folder names: one a line, `#` begins a comment.
pub(crate) fn named(folder: &str, list: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(folder).join(list)).unwrap_or_default();
    let word = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    text.lines().map(word).filter(|name| !name.is_empty()).collect()
}

/// Those of them that are not installed.
pub(crate) fn missing(packages: &BTreeSet<String>) -> BTreeSet<String> {
    let installed = |name: &&String| {
        let status = Command::new("dpkg-query")
            .args(["--show", "--showformat=${db:Status-Status}", name])
            .stderr(Stdio::null())
            .output();
        status.is_ok_and(|output| output.stdout == b"installed")
    };
    packages.iter().filter(|name| !installed(name)).cloned().collect()
}

/// Installs what is missing.
///
/// # Errors
/// Only root may, or the packages cannot be had.
pub(crate) fn install(packages: &BTreeSet<String>) -> Result<(), String> {
    let missing = missing(packages);
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.iter().cloned().collect::<Vec<_>>().join(" ");
    if !Uid::effective().is_root() {
        return Err(format!("these Debian packages are missing, and only root may install them: {list}"));
    }
    say(&format!("installing {list}"));
    update()?;
    let mut apt = Command::new("apt-get");
    apt.args(["install", "-y", "-qq", "--no-install-recommends"]).args(&missing);
    apt.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()).stdin(Stdio::null());
    step("apt-get install", &mut apt)
}

/// Unpacks what the target folder lacks, each package into `packages/NAME` there.
///
/// # Errors
/// A package cannot be had, or the target folder cannot be written.
pub(crate) fn unpack(packages: &BTreeSet<String>) -> Result<(), String> {
    let folder = target_folder()?.join("packages");
    let missing: Vec<&String> = packages.iter().filter(|name| !folder.join(name).is_dir()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    update()?;
    missing.into_iter().try_for_each(|name| unpack_one(name, &folder))
}

fn unpack_one(name: &str, folder: &Path) -> Result<(), String> {
    let partial = folder.join(format!("{name}.partial"));
    let files = partial.join("files");
    let told = |why: io::Error| format!("{}: {why}", folder.display());
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(told)?;
    }
    fs::create_dir_all(&files).map_err(told)?;
    let mut download = Command::new("apt-get");
    download.args(["download", "-qq", name]).current_dir(&partial).stdout(Stdio::null());
    step(&format!("apt-get download {name}"), &mut download)?;
    let mut entries = fs::read_dir(&partial).map_err(told)?.flatten().map(|entry| entry.path());
    let archive = entries.find(|path| path.extension().is_some_and(|end| end == "deb"));
    let archive = archive.ok_or_else(|| format!("apt-get download brought no archive of {name}"))?;
    step(&format!("unpacking {name}"), Command::new("dpkg").arg("-x").args([&archive, &files]))?;
    fs::rename(&files, folder.join(name)).and_then(|()| fs::remove_dir_all(&partial)).map_err(told)
}

fn update() -> Result<(), String> {
    step("apt-get update", Command::new("apt-get").args(["update", "-qq"]).stdout(Stdio::null()))
}
