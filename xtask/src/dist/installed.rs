//! The files of a system package, where Debian's and Red Hat's systems expect them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::bill::cyclonedx;
use super::licences;
use super::programs::{self, NETCHECK, WHOLE};
use super::shipped::Shipped;
use super::tree::{FILE, PROGRAM, Tree, gzip};
use crate::workspace::root;

/// Where documents go.
pub(super) const DOCUMENTS: &str = "usr/share/doc/netcheck";
/// What a package says it is, in one line.
pub(super) const SUMMARY: &str = "tells whether a network lets an event platform work, and what to change";
/// The same in sentences.
pub(super) const DESCRIPTION: &str = "netcheck checks names, TCP, TLS, WebSocket, RTMPS, STUN, TURN, QUIC, push and mail \
from this machine, and says for each requirement whether it works, who blocks it, where, and what to change.";

/// Where each file of a deploy folder is installed.
const UNITS: [(&str, &str); 4] = [
    ("netcheck.service", "usr/lib/systemd/system/netcheck.service"),
    ("netcheck.timer", "usr/lib/systemd/system/netcheck.timer"),
    ("sysusers.conf", "usr/lib/sysusers.d/netcheck.conf"),
    ("tmpfiles.conf", "usr/lib/tmpfiles.d/netcheck.conf"),
];

/// The family of systems a package is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Debian, Ubuntu
    Debian,
    /// Red Hat, Fedora, SUSE
    RedHat,
}

/// The files of the package. One program is all tools: the others are links to it, as in an image.
///
/// # Errors
/// A file that belongs into it cannot be read.
pub(super) fn files(
    family: Family,
    built: &BTreeMap<String, PathBuf>,
    manual: &Tree,
    shipped: &Shipped,
    epoch: u64,
) -> Result<Tree, String> {
    let mut tree = Tree::default();
    tree.copy(&format!("usr/bin/{NETCHECK}"), PROGRAM, &built[WHOLE])?;
    for name in programs::names().iter().filter(|name| *name != NETCHECK) {
        tree.link(&format!("usr/bin/{name}"), NETCHECK);
    }
    for (path, _, bytes) in manual.entries() {
        if let Some(page) = path.strip_prefix("man/") {
            tree.add(&format!("usr/share/man/{page}.gz"), FILE, gzip(bytes)?);
        } else if let Some(script) = path.strip_prefix("completions/") {
            tree.add(&completion(family, script), FILE, bytes);
        }
    }
    for (file, path) in UNITS {
        tree.copy(path, FILE, &root().join("deploy/systemd").join(file))?;
    }
    for page in ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        tree.copy(&format!("{DOCUMENTS}/{page}"), FILE, &root().join(page))?;
    }
    if family == Family::Debian {
        // Debian policy, section 12.5.
        let text = format!(
            "License: {}\nTexts: LICENSE-MIT, LICENSE-APACHE and THIRD-PARTY.txt.gz in this folder\n",
            env!("CARGO_PKG_LICENSE")
        );
        tree.add(&format!("{DOCUMENTS}/copyright"), FILE, text);
    }
    tree.copy(&format!("{DOCUMENTS}/seccomp.json"), FILE, &root().join("deploy/seccomp/netcheck.json"))?;
    tree.add(&format!("{DOCUMENTS}/THIRD-PARTY.txt.gz"), FILE, gzip(licences::text(shipped)?.as_bytes())?);
    tree.add(&format!("{DOCUMENTS}/sbom.json"), FILE, cyclonedx(NETCHECK, shipped, epoch)?);
    Ok(tree)
}

/// Where a shell looks for a completion script, from its path in the archive: `bash/netcheck`.
fn completion(family: Family, script: &str) -> String {
    let (shell, file) = script.split_once('/').unwrap_or(("bash", script));
    let folder = match (shell, family) {
        ("zsh", Family::Debian) => "usr/share/zsh/vendor-completions",
        ("zsh", Family::RedHat) => "usr/share/zsh/site-functions",
        ("fish", _) => "usr/share/fish/vendor_completions.d",
        _ => "usr/share/bash-completion/completions",
    };
    format!("{folder}/{file}")
}
