//! The servers: each with a folder, a port and settings of its own, stopped when dropped.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use netcheck_lab::pki::Leaf;
use netcheck_lab::script::free_port;
use tempfile::TempDir;

/// How long a server or a message is waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);

const SERVICES: &str = "\
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";

/// A folder that servers with users of their own can enter.
pub fn folder() -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// A postfix.
pub struct Postfix {
    pub port: u16,
    dir: TempDir,
    child: Child,
    log: Option<BufReader<ChildStdout>>,
    read: String,
}

impl Postfix {
    /// One that takes mail for example.net and hands it on to `next`.
    pub fn start(name: &str, next: u16, settings: &[&str]) -> Postfix {
        Postfix::run(name, next, settings, None)
    }

    /// The same with STARTTLS.
    pub fn with_tls(name: &str, next: u16, settings: &[&str], leaf: &Leaf) -> Postfix {
        Postfix::run(name, next, settings, Some(leaf))
    }

    fn run(name: &str, next: u16, settings: &[&str], leaf: Option<&Leaf>) -> Postfix {
        let dir = folder();
        let port = free_port();
        let path = dir.path().display();
        let mut main = format!(
            "compatibility_level = 3.6\nqueue_directory = {path}/queue\ndata_directory = {path}/data\n\
             maillog_file = /dev/stdout\nmyhostname = {name}\nmydestination =\nlocal_recipient_maps =\nalias_maps =\n\
             relay_domains = example.net\nrelay_transport = smtp:[127.0.0.1]:{next}\ninet_protocols = ipv4\n\
             smtp_dns_support_level = disabled\nsmtp_host_lookup = native\nmynetworks = 127.0.0.0/8\n"
        );
        if let Some(leaf) = leaf {
            fs::write(dir.path().join("chain.pem"), leaf.chain_pem()).unwrap();
            fs::write(dir.path().join("key.pem"), leaf.key_pem()).unwrap();
            main += &format!(
                "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {path}/chain.pem\nsmtpd_tls_key_file = {path}/key.pem\n"
            );
        }
        main += &settings.join("\n");
        main.push('\n');
        fs::write(dir.path().join("main.cf"), main).unwrap();
        fs::write(dir.path().join("master.cf"), format!("127.0.0.1:{port} inet n - n - - smtpd\n{SERVICES}"))
            .unwrap();
        fs::write(dir.path().join("body_checks"), "/Regards/ REPLACE Sent through a gateway.\n").unwrap();
        fs::write(dir.path().join("header_checks"), "/^Subject: (.*)/ REPLACE Subject: [EXTERNAL] $1\n")
            .unwrap();
        fs::create_dir(dir.path().join("queue")).unwrap();
        let mut child = postfix(&dir)
            .arg("start-fg")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("postfix");
        let log = child.stdout.take().map(BufReader::new);
        let mut postfix = Postfix { port, dir, child, log, read: String::new() };
        postfix.wait_for("daemon started");
        postfix
    }

    fn wait_for(&mut self, words: &str) {
        let log = self.log.as_mut().expect("a log");
        while !self.read.contains(words) {
            let count = log.read_line(&mut self.read).unwrap();
            assert!(count > 0, "postfix ended: {}", self.read);
        }
    }

    /// Stops it and returns what it logged.
    pub fn stop(mut self) -> String {
        self.halt();
        let mut log = std::mem::take(&mut self.read);
        if let Some(mut rest) = self.log.take() {
            rest.read_to_string(&mut log).unwrap();
        }
        log
    }

    fn halt(&mut self) {
        let _ = postfix(&self.dir).arg("stop").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.halt();
    }
}

fn postfix(dir: &TempDir) -> Command {
    let mut command = Command::new("/usr/sbin/postfix");
    command.arg("-c").arg(dir.path());
    command
}

/// The last host: takes any message and gives it to the test.
pub struct Sink {
    pub port: u16,
    messages: mpsc::Receiver<String>,
}

impl Sink {
    pub fn start() -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (give, messages) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(message) = take(&stream)
                    && give.send(message).is_err()
                {
                    return;
                }
            }
        });
        Sink { port, messages }
    }

    /// The next message.
    pub fn message(&self) -> String {
        self.messages.recv_timeout(PATIENCE).expect("a message arrives")
    }
}

fn take(stream: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(stream);
    let mut wire = stream;
    let mut message = None;
    wire.write_all(b"220 sink\r\n").ok()?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).ok()? == 0 {
            return message;
        }
        let answer = match line.get(..4) {
            Some("DATA") => {
                wire.write_all(b"354 go on\r\n").ok()?;
                message = Some(data(&mut lines)?);
                "250 taken\r\n"
            }
            Some("QUIT") => {
                let _ = wire.write_all(b"221 bye\r\n");
                return message;
            }
            _ => "250 ok\r\n",
        };
        wire.write_all(answer.as_bytes()).ok()?;
    }
}

fn data(lines: &mut impl BufRead) -> Option<String> {
    let mut message = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == ".\r\n" {
            return Some(message);
        }
        message.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

/// Sends a message, as any mail client does.
pub fn send(port: u16, from: &str, to: &str, message: &str) {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("postfix listens");
    let mut lines = BufReader::new(&stream);
    let mut say = |line: &str, wanted: char| {
        if !line.is_empty() {
            (&stream).write_all(format!("{line}\r\n").as_bytes()).unwrap();
        }
        loop {
            let mut answer = String::new();
            lines.read_line(&mut answer).unwrap();
            assert!(answer.starts_with(wanted), "{line}: {answer}");
            if answer.as_bytes().get(3) == Some(&b' ') {
                return;
            }
        }
    };
    say("", '2');
    say("EHLO app.spotme.com", '2');
    say(&format!("MAIL FROM:<{from}>"), '2');
    say(&format!("RCPT TO:<{to}>"), '2');
    say("DATA", '3');
    say(&format!("{message}."), '2');
    say("QUIT", '2');
}
