//! The packages for Debian's and Red Hat's systems: installed into an empty root, tested there, and removed.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netcheck_lab::pki::Authority;
use tempfile::TempDir;

const XTASK: &str = env!("CARGO_BIN_EXE_xtask");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs a command that has to succeed; what it prints.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{stdout}{stderr}");
    stdout.into_owned()
}

/// A folder that is the root of a system without any file, and a release beside it.
struct Stage {
    folder: TempDir,
}

impl Stage {
    fn new() -> Stage {
        let folder = TempDir::new().unwrap();
        for part in ["var/lib/dpkg/updates", "var/lib/dpkg/info", "var/lib/dpkg/triggers", "var/lib/rpm"] {
            fs::create_dir_all(folder.path().join("root").join(part)).unwrap();
        }
        fs::write(folder.path().join("root/var/lib/dpkg/status"), "").unwrap();
        said(
            Command::new(XTASK)
                .args(["dist", "--profile", "quick", "--out"])
                .arg(folder.path().join("release")),
        );
        Stage { folder }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn package(&self, name: &str) -> PathBuf {
        self.folder.path().join("release").join(name)
    }

    /// The package manager, in a namespace where this user is root and no other user exists.
    fn manager(&self, program: &str, arguments: &[&str]) -> Command {
        let mut manager = Command::new("unshare");
        manager.args(["--map-root-user", program]).arg(format!("--root={}", self.root().display()));
        manager.args(arguments);
        manager
    }

    fn dpkg(&self, arguments: &[&str]) -> String {
        // The root has no shell: scripts run outside it, and leave this machine alone.
        let forced = ["--force-script-chrootless", "--force-bad-path", "--log=/dev/null"];
        said(&mut self.manager("dpkg", &[&forced, arguments].concat()))
    }

    fn rpm(&self, arguments: &[&str]) -> String {
        said(&mut self.manager("rpm", &[&["--force-debian", "--dbpath=/var/lib/rpm"], arguments].concat()))
    }

    /// What is installed: type and mode, path, where a link leads; without the package manager's own files.
    fn files(&self) -> String {
        let mut find = Command::new("find");
        find.arg(self.root()).args(["-path", "*/var/lib", "-prune", "-o", "-not", "-type", "d"]);
        let listing = said(find.args(["-printf", "%M %P %l\n"]));
        let mut lines: Vec<&str> = listing.lines().map(str::trim_end).collect();
        lines.sort_unstable_by_key(|line| line.split(' ').nth(1));
        lines.join("\n")
    }

    /// The same without the man pages of netcheck's commands, which are as many as there are commands.
    fn listing(&self) -> String {
        let files = self.files();
        let kept = files.lines().filter(|line| !line.contains("man1/netcheck-"));
        kept.collect::<Vec<_>>().join("\n")
    }

    /// `netcheck self-test` of what is installed, with a trust store of one certificate.
    fn self_test(&self) -> String {
        let store = self.folder.path().join("store.pem");
        fs::write(&store, Authority::new("Company CA").pem()).unwrap();
        let mut netcheck = Command::new(self.root().join("usr/bin/netcheck"));
        let told = said(netcheck.arg("self-test").env("SSL_CERT_FILE", store).env_remove("SSL_CERT_DIR"));
        told.lines().last().unwrap_or_default().to_owned()
    }
}

fn gone(path: &Path) -> bool {
    !path.exists()
}

#[test]
fn a_debian_package_installs_passes_its_own_test_and_leaves_nothing_behind() {
    let stage = Stage::new();
    let package = stage.package(&format!("netcheck_{VERSION}_amd64.deb"));
    stage.dpkg(&["--install", package.to_str().unwrap()]);
    insta::assert_snapshot!("files of the Debian package", stage.listing());
    assert_eq!(stage.self_test(), format!("netcheck {VERSION}: all 18 steps passed"));
    let fields =
        said(Command::new("dpkg-deb").arg("--field").arg(&package).args(["Version", "Architecture"]));
    assert_eq!(fields, format!("Version: {VERSION}\nArchitecture: amd64\n"));
    stage.dpkg(&["--purge", "netcheck"]);
    assert_eq!((stage.files().as_str(), gone(&stage.root().join("usr"))), ("", true));
}

#[test]
fn an_rpm_package_installs_passes_its_own_test_and_leaves_no_file_behind() {
    let stage = Stage::new();
    let package = stage.package(&format!("netcheck-{VERSION}-1.x86_64.rpm"));
    let checked = said(Command::new("rpm").args(["--checksig", "--nosignature"]).arg(&package));
    assert!(checked.trim_end().ends_with("digests OK"), "{checked}");
    stage.rpm(&["--install", package.to_str().unwrap()]);
    insta::assert_snapshot!("files of the rpm package", stage.listing());
    // Size, mode, digest, owner and time of every file are what the package says.
    assert_eq!(stage.rpm(&["--verify", "netcheck"]), "");
    assert_eq!(stage.self_test(), format!("netcheck {VERSION}: all 18 steps passed"));
    stage.rpm(&["--erase", "netcheck"]);
    assert_eq!(stage.files(), "");
    assert!(gone(&stage.root().join("usr/share/doc/netcheck")));
}
