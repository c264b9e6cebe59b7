//! What the rehearsals of tests share: a WebSocket service, a real haproxy before it, and the product run on both.

pub mod nginx;

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use netcheck_lab::script::Wire;
use netcheck_lab::world::probe::tools;
use netcheck_lab::{Server, free_port};
use serde_json::Value;
use tempfile::TempDir;
use tokio_tungstenite::tungstenite;

/// A profile whose requirements are these targets.
pub fn profile(targets: &[String]) -> String {
    let mut text = "format = 1\nname = \"show\"\n".to_owned();
    for (number, target) in targets.iter().enumerate() {
        let _ = write!(
            text,
            "[[row]]\nname = \"line{number}\"\nfunction = \"a line of the show\"\nrole = \"all\"\nsource = \"test\"\n\
             [[row.probe]]\ntarget = \"{target}\"\n"
        );
    }
    text
}

/// What came of a rehearsal.
pub struct Rehearsed {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub page: String,
    pub lines: Vec<Value>,
}

/// `netcheck rehearse` on these targets, not yet started.
pub fn command(folder: &Path, targets: &[String], args: &[&str]) -> Command {
    fs::write(folder.join("profile.toml"), profile(targets)).unwrap();
    let tools = tools().unwrap();
    let mut command = Command::new(tools.join("netcheck"));
    command.args([
        "rehearse",
        "--profile",
        "profile.toml",
        "--private-ok",
        "--timeout",
        "1",
        "--proxy",
        "none",
    ]);
    command.arg("--tools").arg(&tools).args(args).current_dir(folder).stdin(Stdio::null());
    command
}

/// Reads what a rehearsal left.
pub fn rehearsed(folder: &Path, output: &Output) -> Rehearsed {
    let text = fs::read_to_string(folder.join("rehearsal.jsonl")).unwrap_or_default();
    Rehearsed {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        page: fs::read_to_string(folder.join("rehearsal.html")).unwrap_or_default(),
        lines: text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
    }
}

/// Rehearses for so long.
pub fn rehearse(targets: &[String], args: &[&str]) -> Rehearsed {
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path(), targets, args).output().unwrap();
    rehearsed(folder.path(), &output)
}

/// Answers pings, and sends texts back.
pub fn echo(wire: Wire) {
    let Ok(mut socket) = tungstenite::accept(wire) else { return };
    while let Ok(message) = socket.read() {
        if message.is_text() && socket.send(message).is_err() {
            return;
        }
    }
}

/// haproxy before a WebSocket service, with these timeouts.
pub struct Haproxy {
    child: Child,
    pub port: u16,
    dir: TempDir,
    _service: Server,
    _stop: Option<mpsc::Sender<()>>,
}

impl Haproxy {
    pub fn start(timeouts: &str) -> Haproxy {
        let service = Server::each(echo);
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let config = format!(
            "global\n  stats socket {}/stats level admin\n  hard-stop-after 1s\ndefaults\n  mode http\n  timeout connect 2s\n  timeout server 1h\n{timeouts}\n\
             frontend show\n  bind 127.0.0.1:{port}\n  default_backend service\nbackend service\n  server one 127.0.0.1:{}\n",
            dir.path().display(),
            service.port
        );
        fs::write(dir.path().join("haproxy.cfg"), config).unwrap();
        let mut command = Command::new("/usr/sbin/haproxy");
        command
            .arg("-db")
            .arg("-f")
            .arg(dir.path().join("haproxy.cfg"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("haproxy (packages.txt)");
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "haproxy ended");
            thread::yield_now();
        }
        Haproxy { child, port, dir, _service: service, _stop: None }
    }

    /// Has haproxy end every session of so many seconds, as `show sess` counts them.
    pub fn with_lifetime(mut self, seconds: u32) -> Haproxy {
        let socket = self.dir.path().join("stats");
        let (stop, stopped) = mpsc::channel::<()>();
        thread::spawn(move || {
            while stopped.recv_timeout(Duration::from_millis(50)) == Err(mpsc::RecvTimeoutError::Timeout) {
                for line in ask(&socket, "show sess").lines().filter(|line| line.contains("fe=show")) {
                    let age = line.split(" age=").nth(1).and_then(|rest| rest.split('s').next());
                    let old = age.and_then(|age| age.parse::<u32>().ok()).is_some_and(|age| age >= seconds);
                    if let Some((session, _)) = line.split_once(':').filter(|_| old) {
                        ask(&socket, &format!("shutdown session {session}"));
                    }
                }
            }
        });
        self._stop = Some(stop);
        self
    }

    /// Waits until so many sessions are open.
    pub fn wait_for_sessions(&self, count: usize) {
        while ask(&self.dir.path().join("stats"), "show sess").matches("fe=show").count() < count {
            thread::yield_now();
        }
    }

    pub fn target(&self) -> String {
        format!("ws://127.0.0.1:{}/socket", self.port)
    }
}

/// One command on haproxy's stats socket.
fn ask(socket: &Path, command: &str) -> String {
    let Ok(mut stream) = UnixStream::connect(socket) else { return String::new() };
    let mut answer = String::new();
    let _ = stream.write_all(format!("{command}\n").as_bytes());
    let _ = stream.read_to_string(&mut answer);
    answer
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
