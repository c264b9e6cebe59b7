//! Debian packages that tests need: named in packages.txt files, installed where they are missing.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use nix::unistd::Uid;

use crate::workspace::{root, say, step};

/// The packages that a folder's packages.txt names: one a line, `#` begins a comment.
pub(crate) fn named(folder: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(folder).join("packages.txt")).unwrap_or_default();
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
    step("apt-get update", Command::new("apt-get").args(["update", "-qq"]).stdout(Stdio::null()))?;
    let mut apt = Command::new("apt-get");
    apt.args(["install", "-y", "-qq", "--no-install-recommends"]).args(&missing);
    apt.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()).stdin(Stdio::null());
    step("apt-get install", &mut apt)
}
