//! A folder to work in, and a lab network in which the real programs run in it with no right but to open sockets.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::Uid;
use serde_json::Value;
use tempfile::TempDir;

/// The user of the image.
const USER: u32 = 65532;

/// What came of a command.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// The records of standard output.
    pub fn records(&self) -> Vec<Value> {
        let lines = self.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        // The lines that begin and end a run are no records.
        lines.filter(|line| line["check"].is_string()).collect()
    }
}

/// Whether a record counts: what is advisory is not on the published list, and the lab need not have it.
pub fn required(record: &Value) -> bool {
    record["labels"]["required"] != false && record["labels"]["row"] != Value::Null
}

/// Runs a command to its end.
pub fn outcome(command: &mut Command) -> Outcome {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Outcome { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

/// The folder of the built programs.
fn programs() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_netcheck")).parent().unwrap()
}

/// The folder; it belongs to the user of the image.
pub struct Place {
    dir: TempDir,
}

impl Place {
    pub fn new() -> Place {
        let place = Place { dir: TempDir::new().unwrap() };
        place.give("confine.py", include_str!("confine.py"));
        place.give("netcheck.json", &fs::read_to_string(repository("deploy/seccomp/netcheck.json")).unwrap());
        place.program("bin/netcheck");
        place.own(place.path(""));
        place
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file in the folder, which everyone may read.
    pub fn give(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A folder in the folder, for the user of the image.
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        self.own(path.clone());
        path
    }

    /// What stands in for netcheck: a link to one script, which finds its parts beside itself.
    pub fn program(&self, name: &str) {
        let script = self.give("netcheck.sh", include_str!("netcheck.sh"));
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        symlink(script, self.path(name)).unwrap();
    }

    fn own(&self, path: PathBuf) {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        if Uid::effective().is_root() {
            chown(&path, Some(USER), Some(USER)).unwrap();
        }
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
    }

    /// Runs a bash script in a lab network, in this folder, with the stand-in first in PATH.
    pub fn run(&self, scenario: &str, script: &str) -> Outcome {
        let enter = self.give("enter.sh", include_str!("enter.sh"));
        let job = self.give("job.sh", script);
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut lab = Command::new(programs().join("netcheck-lab"));
        lab.args(["run", scenario, "--", "bash"]).arg(enter).arg(programs()).arg(job);
        // Where nothing is silent on purpose, a machine that has other work to do is waited for.
        if scenario == "healthy" {
            lab.env("PATIENCE", "30");
        }
        outcome(lab.current_dir(self.dir.path()).env("PATH", path))
    }
}
