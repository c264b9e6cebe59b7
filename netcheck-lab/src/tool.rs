//! Runs a real binary, away from this machine's settings, and reads its records.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::records;

/// How long a tool may run before it is ended and the test with it.
const PATIENCE: Duration = Duration::from_mins(2);

/// Settings of this machine that must not reach the tool.
const FOREIGN: &[&str] = &[
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "NETCHECK_PROXY_USER",
    "NETCHECK_PROXY_PASSWORD",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "RES_OPTIONS",
    "LOCALDOMAIN",
    "RTMP_STREAM_KEY",
    "TURN_USERNAME",
    "TURN_PASSWORD",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "NO_COLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
];

/// A tool about to be run.
pub struct Tool {
    command: Command,
    stdin: Vec<u8>,
    dir: TempDir,
}

impl Tool {
    /// The binary at `path`: `env!("CARGO_BIN_EXE_check-x")`.
    ///
    /// It gets a fresh empty folder to work in, no proxy variables, and an empty trust store of the system.
    #[must_use]
    pub fn new(path: &str) -> Tool {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new(path);
        for name in FOREIGN {
            command.env_remove(name);
        }
        let roots = dir.path().join("no-roots.pem");
        std::fs::write(&roots, "").unwrap();
        command.current_dir(dir.path()).env("SSL_CERT_FILE", roots);
        Tool { command, stdin: Vec::new(), dir }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<std::ffi::OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Tool {
        self.command.args(args);
        self
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(self, arg: impl AsRef<std::ffi::OsStr>) -> Tool {
        self.args([arg])
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Tool {
        self.command.env(name, value);
        self
    }

    /// What it reads on standard input; nothing if not set.
    #[must_use]
    pub fn stdin(mut self, text: impl AsRef<[u8]>) -> Tool {
        self.stdin = text.as_ref().to_vec();
        self
    }

    /// Puts a file into the folder it works in, to be named in arguments without a path.
    #[must_use]
    pub fn file(self, name: &str, contents: impl AsRef<[u8]>) -> Tool {
        std::fs::write(self.dir.path().join(name), contents).unwrap();
        self
    }

    /// The folder it works in.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Runs it to its end.
    #[must_use]
    pub fn run(self) -> Outcome {
        self.start().wait()
    }

    /// Starts it, for tests that meet it while it runs.
    #[must_use]
    pub fn start(mut self) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the tool starts");
        let mut stdin = child.stdin.take().unwrap();
        let text = std::mem::take(&mut self.stdin);
        // A tool that never reads its input closes the pipe: not an error of the test.
        thread::spawn(move || stdin.write_all(&text));
        let mut stderr = child.stderr.take().unwrap();
        let errors = thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (done, over) = mpsc::channel::<()>();
        let pid = child.id();
        thread::spawn(move || {
            if over.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                signal(pid, nix::sys::signal::Signal::SIGKILL);
            }
        });
        Running { child, stdout, read: String::new(), errors, _done: done, dir: self.dir }
    }
}

fn signal(pid: u32, signal: nix::sys::signal::Signal) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    let _ = nix::sys::signal::kill(pid, signal);
}

/// A tool that runs.
pub struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    read: String,
    errors: JoinHandle<String>,
    _done: mpsc::Sender<()>,
    dir: TempDir,
}

impl Running {
    /// The next line it prints; `None` at the end.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let count = self.stdout.read_line(&mut line).unwrap();
        self.read.push_str(&line);
        (count > 0).then_some(line)
    }

    /// Its process id, for /proc.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it SIGKILL.
    pub fn kill(&self) {
        signal(self.child.id(), nix::sys::signal::Signal::SIGKILL);
    }

    /// Sends it SIGINT.
    pub fn interrupt(&self) {
        signal(self.child.id(), nix::sys::signal::Signal::SIGINT);
    }

    /// Sends it SIGTERM.
    pub fn terminate(&self) {
        signal(self.child.id(), nix::sys::signal::Signal::SIGTERM);
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// Ends the test when a line on standard output is not JSON although it begins like it, or a record that the
    /// published schema does not allow.
    #[must_use]
    pub fn wait(mut self) -> Outcome {
        let mut stdout = std::mem::take(&mut self.read);
        let mut rest = Vec::new();
        self.stdout.read_to_end(&mut rest).unwrap();
        stdout.push_str(&String::from_utf8(rest).expect("standard output is UTF-8"));
        let status = self.child.wait().unwrap();
        let stderr = self.errors.join().unwrap();
        let code = status.code().unwrap_or_else(|| {
            use std::os::unix::process::ExitStatusExt;
            -status.signal().unwrap_or(0)
        });
        let records: Vec<Value> = stdout
            .lines()
            .filter(|line| line.starts_with('{'))
            .map(|line| serde_json::from_str(line).expect("a record is one line of JSON"))
            .collect();
        records::accept(&records);
        drop(self.dir);
        Outcome { code, records, stdout, stderr }
    }
}

/// What a tool did.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit code; minus the signal's number when a signal ended it.
    pub code: i32,
    /// The records it printed, in order.
    pub records: Vec<Value>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Outcome {
    /// The only record.
    ///
    /// # Panics
    /// Ends the test when there is none, or more than one.
    #[must_use]
    pub fn one(&self) -> &Value {
        assert!(self.records.len() == 1, "not one record: {self:#?}");
        &self.records[0]
    }
}

/// The record with all that changes from run to run made constant: times, ports, our own address, serial numbers.
#[must_use]
pub fn normal(record: &Value) -> Value {
    let mut ports = Vec::new();
    for text in ["/target", "/path/address", "/path/local", "/path/proxy"] {
        if let Some(port) = record.pointer(text).and_then(Value::as_str).and_then(port) {
            ports.push(port);
        }
    }
    let mut copy = record.clone();
    make_constant("", &mut copy, &ports);
    copy
}

/// The last run of digits after a colon, where it can be an ephemeral port.
fn port(text: &str) -> Option<String> {
    text.rsplit(':').find_map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        (digits.len() >= 4).then_some(digits)
    })
}

fn make_constant(key: &str, value: &mut Value, ports: &[String]) {
    match value {
        Value::Object(map) => map.iter_mut().for_each(|(key, value)| make_constant(key, value, ports)),
        Value::Array(items) => items.iter_mut().for_each(|value| make_constant(key, value, ports)),
        Value::Number(_) if key == "us" || key.ends_with("_us") || key.ends_with("_ms") => *value = 0.into(),
        Value::String(text) => match key {
            "ts" | "local" | "not_before" | "not_after" | "serial" | "sha256" | "fingerprint" => {
                *text = key.to_uppercase();
            }
            _ => *text = without_ports(text, ports),
        },
        _ => {}
    }
}

/// Every number that stands alone and is one of these ports becomes `PORT`.
fn without_ports(text: &str, ports: &[String]) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        out.push_str(if ports.contains(&digits) { "PORT" } else { &digits });
        digits.clear();
        out.push(c);
    }
    out.pop();
    out
}
