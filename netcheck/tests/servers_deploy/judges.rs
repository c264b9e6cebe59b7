//! The programs that judge what deploy/ holds, from PyPI in an environment of their own, and the reader of YAML.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::place::outcome;

const WANTED: &str = include_str!("requirements.txt");
/// Named as it is: Python finds its packages beside its own path, and follows no link there.
const BIN: &str = "new/bin";
const READER: &str =
    "import json, sys, yaml; print(json.dumps(list(yaml.load_all(sys.stdin, yaml.BaseLoader))))";

/// A judge, installed if it is not.
pub fn judge(program: &str) -> Command {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deploy-judges");
    fs::create_dir_all(&folder).unwrap();
    // Tests are processes and threads: one installs, the others wait.
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let done = folder.join("installed");
    if fs::read_to_string(&done).is_ok_and(|text| text == WANTED) {
        return Command::new(folder.join(BIN).join(program));
    }
    install(&folder);
    fs::write(done, WANTED).unwrap();
    Command::new(folder.join(BIN).join(program))
}

fn install(folder: &Path) {
    let wanted = folder.join("requirements.txt");
    fs::write(&wanted, WANTED).unwrap();
    let made =
        outcome(Command::new("/usr/bin/python3").args(["-m", "venv", "--clear"]).arg(folder.join("new")));
    assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
    let mut pip = Command::new(folder.join(BIN).join("pip"));
    pip.args(["install", "--quiet", "--no-compile", "--disable-pip-version-check", "--requirement"])
        .arg(wanted);
    let pip = outcome(&mut pip);
    assert_eq!(pip.code, Some(0), "PyPI has to be reachable once: {}{}", pip.stdout, pip.stderr);
}

/// The documents of a YAML text; every scalar is a string.
pub fn yaml(text: &str) -> Vec<Value> {
    let mut reader = Command::new("/usr/bin/python3");
    reader.args(["-c", READER]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut reader = reader.spawn().unwrap();
    reader.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    serde_json::from_slice(&reader.wait_with_output().unwrap().stdout).unwrap()
}

/// One document of the repository.
pub fn document(path: &PathBuf) -> Value {
    yaml(&fs::read_to_string(path).unwrap()).remove(0)
}
