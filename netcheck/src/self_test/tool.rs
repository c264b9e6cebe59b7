//! One tool under test: its version, and what it says of servers whose behaviour is known.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use netcheck_record::escape;
use netcheck_record::record::{Record, VERSION, Verdict};

use super::Found;
use super::servers::{Servers, Service};
use crate::{child, env_secrets, records};

/// How long a tool may take for all its targets: each ends within milliseconds on loopback.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most that is read of what a tool prints, in bytes.
const LONGEST: u64 = 1 << 20;
/// A result that is no failure code.
const PASS: &str = "pass";

/// A target of a tool, and its expected result: `pass` or a failure code.
struct Probe {
    tool: &'static str,
    scheme: &'static str,
    service: Service,
    expected: &'static str,
}

const fn probe(tool: &'static str, scheme: &'static str, service: Service, expected: &'static str) -> Probe {
    Probe { tool, scheme, service, expected }
}

/// Each tool reaches a server and recognises its protocol, or a fault in it.
const PROBES: [Probe; 8] = [
    probe("tcp", "tcp", Service::Silent, PASS),
    probe("tcp", "tcp", Service::Closed, "tcp.refused"),
    probe("tcp", "tls", Service::TlsAlert, "tls.alert"),
    probe("wss", "ws", Service::HttpNotFound, "ws.status"),
    probe("rtmps", "rtmp", Service::Rtmp, PASS),
    probe("udp", "stun", Service::Stun, PASS),
    probe("push", "apns", Service::TlsAlert, "tls.alert"),
    probe("mail", "smtp", Service::SmtpWithoutTls, "smtp.no_starttls"),
];

/// The version and place of a tool, where its version is this program's.
pub(super) fn version(program: &Path) -> Found {
    let own = env!("CARGO_PKG_VERSION");
    let text = output(child::command(program).arg("--version"))?;
    let text = String::from_utf8_lossy(&text);
    match text.split_whitespace().nth(1) {
        Some(version) if version == own => Ok(format!("{version}, {}", program.display())),
        Some(version) => Err(format!("{version}, but netcheck is {own}: install both from one release")),
        None => Err(format!("{} prints no version", program.display())),
    }
}

/// Lets a tool check its servers: the scheme and service of each probe, and what was found.
pub(super) fn check(name: &str, program: &Path, servers: &Servers) -> Vec<(String, Found)> {
    let probes: Vec<&Probe> = PROBES.iter().filter(|probe| probe.tool == name).collect();
    let target = |probe: &&Probe| format!("{}://{}", probe.scheme, servers.address(probe.service));
    let targets: Vec<String> = probes.iter().map(target).collect();
    let mut tool = child::command(program);
    tool.args(["--proxy", "none", "--ordered", "--format", "json", "--diagnose", "never"]).args(&targets);
    let printed = output(&mut tool);
    let lines: Vec<&[u8]> = match &printed {
        Ok(text) => text.split(|byte| *byte == b'\n').collect(),
        Err(_) => Vec::new(),
    };
    let found = |(at, (probe, target)): (usize, (&&Probe, &String))| {
        let found = match &printed {
            Ok(_) => compare(lines.get(at).copied().unwrap_or_default(), probe, target),
            Err(why) => Err(why.clone()),
        };
        (format!("{}:// {}", probe.scheme, probe.service.as_str()), found)
    };
    probes.iter().zip(&targets).enumerate().map(found).collect()
}

/// Whether a line is a valid record of the target with the expected result.
fn compare(line: &[u8], probe: &Probe, target: &str) -> Found {
    let record = records::whole(line).ok_or_else(|| {
        format!("expected a record, found \"{}\"", env_secrets::hide(&escape::bytes(line, 200)))
    })?;
    if record.v != VERSION || record.target.trim_end_matches('/') != target {
        return Err(format!("expected a record of {target}, found one of {}", record.target));
    }
    let result = result(&record);
    if result == probe.expected {
        Ok(result)
    } else {
        Err(format!("expected {}, found {result}", probe.expected))
    }
}

/// `pass`, or the failure code.
fn result(record: &Record) -> String {
    match (&record.failure, record.verdict) {
        (Some(failure), _) => failure.code.to_string(),
        (None, Verdict::Pass) => PASS.to_owned(),
        (None, verdict) => format!("{verdict:?}").to_lowercase(),
    }
}

/// What a command prints on standard output. One that takes too long is ended.
fn output(command: &mut Command) -> Result<Vec<u8>, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |why: std::io::Error| format!("{program} cannot be run: {why}");
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(failed)?;
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::Builder::new()
            .spawn(move || {
                let mut text = Vec::new();
                let _ = stdout.take(LONGEST).read_to_end(&mut text);
                let _ = sender.send(text);
            })
            .map_err(failed)?;
    }
    let text = receiver.recv_timeout(PATIENCE);
    if text.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(failed)?;
    let text = text.map_err(|_| format!("{program} did not end within {} s", PATIENCE.as_secs()))?;
    // Records say what failed; a tool that could not do its job prints none, or ends with 2.
    match status.code() {
        Some(0 | 1) => Ok(text),
        _ => Err(format!("{program} failed ({status}): run it to see why")),
    }
}
