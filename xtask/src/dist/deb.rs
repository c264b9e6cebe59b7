//! A package for Debian and Ubuntu (deb(5)): an ar archive of a version, the control files and the files.

use super::installed::{DESCRIPTION, SUMMARY};
use super::target::Target;
use super::tree::{FILE, PROGRAM, Tree, gzip};

/// After installation: makes the group and folder of the metrics, and shows systemd the new units. In another root
/// (`dpkg --root`) and where systemd does not run, the next boot does it.
const AFTER_INSTALL: &str = "#!/bin/sh
set -e
if [ \"$1\" = configure ] && [ -z \"$DPKG_ROOT\" ] && [ -d /run/systemd/system ]; then
    systemd-sysusers netcheck.conf
    systemd-tmpfiles --create netcheck.conf
    systemctl daemon-reload
fi
";
/// Before removal: stops the timer and the service.
const BEFORE_REMOVE: &str = "#!/bin/sh
set -e
if [ \"$1\" = remove ] && [ -z \"$DPKG_ROOT\" ] && [ -d /run/systemd/system ]; then
    systemctl disable --now netcheck.timer || true
    systemctl stop netcheck.service || true
fi
";
/// After removal: shows systemd that the units are gone.
const AFTER_REMOVE: &str = "#!/bin/sh
set -e
if [ -z \"$DPKG_ROOT\" ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi
";

/// The name of the package file.
pub(super) fn name(target: Target) -> String {
    format!("netcheck_{}_{}.deb", env!("CARGO_PKG_VERSION"), target.architecture())
}

/// The package with these files.
///
/// # Errors
/// A path too long for a tar archive.
pub(super) fn package(files: &Tree, target: Target, epoch: u64) -> Result<Vec<u8>, String> {
    let mut control = Tree::default();
    control.add("control", FILE, fields(files, target));
    control.add("postinst", PROGRAM, AFTER_INSTALL);
    control.add("prerm", PROGRAM, BEFORE_REMOVE);
    control.add("postrm", PROGRAM, AFTER_REMOVE);
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.gz", gzip(&control.tar("./", epoch)?)?),
        ("data.tar.gz", gzip(&files.tar("./", epoch)?)?),
    ];
    let mut archive = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        let header = format!("{name:<16}{epoch:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 100_644, bytes.len());
        archive.extend(header.into_bytes());
        archive.extend(&bytes);
        // Members begin at even offsets.
        archive.extend((bytes.len() % 2 == 1).then_some(b'\n'));
    }
    Ok(archive)
}

/// The control file (Debian policy, section 5.3).
fn fields(files: &Tree, target: Target) -> String {
    format!(
        "Package: netcheck\nVersion: {}\nArchitecture: {}\nMaintainer: the netcheck project\n\
         Installed-Size: {}\nRecommends: ca-certificates\nSection: net\nPriority: optional\n\
         Description: {SUMMARY}\n {DESCRIPTION}\n",
        env!("CARGO_PKG_VERSION"),
        target.architecture(),
        files.size().div_ceil(1024),
    )
}
