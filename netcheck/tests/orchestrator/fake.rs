//! Fake tools: shell scripts that print given records, die, hang or talk nonsense, and the orchestrator run on them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use netcheck_record::scheme::Scheme;
use netcheck_record::spec::{Line, Sampling, Spec};
use netcheck_record::target::Target;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a fake tool says of a target: the verdict with failure, cause, path and facts, as a record has them.
pub type Say = fn(&Target) -> Value;

/// A folder with fake tools.
pub struct Stage {
    pub dir: TempDir,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// What the run wrote on standard error, with the folder of its tools as `FOLDER`.
    pub fn messages(&self, stage: &Stage) -> String {
        self.stderr.replace(&stage.dir.path().display().to_string(), "FOLDER")
    }
}

pub const TOOLS: [&str; 6] = ["tcp", "wss", "rtmps", "udp", "push", "mail"];

impl Stage {
    /// No tool at all.
    pub fn empty() -> Stage {
        Stage { dir: TempDir::new().unwrap() }
    }

    /// Every tool, each of whose targets is what `say` says.
    pub fn all(say: Say) -> Stage {
        let stage = Stage::empty();
        for tool in TOOLS {
            stage.tool(tool, say);
        }
        stage
    }

    /// A tool that prints a record for each target of the embedded plan that is its own.
    pub fn tool(&self, tool: &str, say: Say) {
        let file = self.dir.path().join(format!("{tool}.jsonl"));
        fs::write(&file, records(tool, say)).unwrap();
        // The real ones answer while they read: the plan is taken, then the records come.
        self.script(tool, &format!("cat >/dev/null; cat '{}'", file.display()));
    }

    /// A tool that is this shell script.
    pub fn script(&self, tool: &str, script: &str) {
        let path = self.dir.path().join(format!("check-{tool}"));
        // Renamed into place: a fork of another test must not hold the script open while it is started.
        let draft = path.with_extension("draft");
        fs::write(&draft, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(&draft, &path).unwrap();
    }

    /// Where records go.
    pub fn journal(&self) -> PathBuf {
        self.dir.path().join("netcheck.jsonl")
    }

    /// The records on disk.
    pub fn kept(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.journal()).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "half a line is on disk");
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| !line["run"].is_object()).collect()
    }

    /// `netcheck check` with these arguments, not yet started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = netcheck();
        command.arg("check").arg("--tools").arg(self.dir.path()).args(args).current_dir(self.dir.path());
        command
    }

    /// `netcheck check` with these arguments.
    pub fn check(&self, args: &[&str]) -> Outcome {
        self.check_with(args, &[])
    }

    /// The same with these variables in the environment.
    pub fn check_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Outcome {
        finish(
            self.command(args)
                .envs(variables.iter().copied())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap(),
        )
    }
}

/// The real program, with nothing of this machine's environment that matters to it.
pub fn netcheck() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netcheck"));
    for name in [
        "NETCHECK_TOOLS",
        "RTMP_STREAM_KEY",
        "NO_COLOR",
        "COLUMNS",
        "https_proxy",
        "HTTPS_PROXY",
        "http_proxy",
        "HTTP_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

pub fn finish(child: Child) -> Outcome {
    let output = child.wait_with_output().unwrap();
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A requirement's columns of the table, each on one line, with ` | ` between them.
pub fn row(table: &str, requirement: &str) -> String {
    let header = table.lines().find(|line| line.starts_with("REQUIREMENT ")).unwrap_or_default();
    let starts: Vec<usize> = ["REQUIREMENT", "STATUS", "WORKS", "CAUSE", "ASK", "CHANGE"]
        .iter()
        .filter_map(|column| header.find(column))
        .collect();
    let mut lines = table.lines().skip_while(|line| line.split(' ').next() != Some(requirement));
    let first = lines.next().unwrap_or_default();
    let lines: Vec<&str> =
        std::iter::once(first).chain(lines.take_while(|line| line.starts_with(' '))).collect();
    let column = |(at, start): (usize, &usize)| {
        let width = starts.get(at + 1).map_or(usize::MAX, |end| end - start);
        let cell = |line: &&str| line.chars().skip(*start).take(width).collect::<String>();
        flat(&lines.iter().map(cell).collect::<Vec<_>>().join(" "))
    };
    let columns: Vec<String> =
        starts.iter().enumerate().map(column).filter(|column| !column.is_empty()).collect();
    columns.join(" | ")
}

/// What a section of the terminal's text says, on one line: everything from its heading to the next blank line.
pub fn section(text: &str, heading: &str) -> String {
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    flat(&lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" "))
}

/// The headings of what is asked for, one for each addressee.
pub fn addressees(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("For ") && line.ends_with(':')).collect()
}

/// A report without the line that says how old its records are today.
pub fn without_age(report: &str) -> String {
    report.lines().filter(|line| !line.starts_with("These records are ")).collect::<Vec<_>>().join("\n")
}

/// The lines of a text that name something.
pub fn naming(text: &str, what: &str) -> String {
    text.lines().filter(|line| line.contains(what)).collect::<Vec<_>>().join("\n")
}

/// Text of a terminal without its line breaks.
pub fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The report of the records on disk, as programs read it.
pub fn report(stage: &Stage, more: &[&str]) -> Value {
    let args = [&["report", "--format", "json", "netcheck.jsonl"][..], more].concat();
    let output = netcheck().current_dir(stage.dir.path()).args(args).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn records(tool: &str, say: Say) -> String {
    let plan = netcheck().arg("plan").output().unwrap();
    let mut text = String::new();
    for line in String::from_utf8(plan.stdout).unwrap().lines() {
        let target: Value = serde_json::from_str(line).unwrap();
        let scheme = target["target"].as_str().unwrap().split("://").next().unwrap();
        if Scheme::named(scheme).unwrap().tool != tool {
            continue;
        }
        let Line::Spec(spec) = Spec::line(line, tool, Sampling::default()).unwrap() else { continue };
        for target in spec.expand(Sampling::default()) {
            text.push_str(&record(tool, &target, &say(&target)).to_string());
            text.push('\n');
        }
    }
    text
}

fn record(tool: &str, target: &Target, said: &Value) -> Value {
    let mut record = json!({ "v": 1, "ts": "2026-11-22T07:00:00.123Z", "check": tool, "target": target.to_string(),
        "verdict": "pass", "stages": [{ "stage": "tcp", "ok": said["failure"].is_null(), "us": 1000 }],
        "facts": {}, "labels": target.labels });
    for (key, value) in said.as_object().unwrap() {
        record[key] = value.clone();
    }
    record
}

/// It works.
pub fn pass(_: &Target) -> Value {
    json!({ "verdict": "pass" })
}

/// A firewall at `near` dropped it.
pub fn dropped(target: &Target, near: &str) -> Value {
    let (host, port) = (target.host.to_string(), target.port());
    json!({ "verdict": "fail", "failure": { "code": "tcp.timeout", "detail": "no answer within 5 s" },
        "cause": { "code": "firewall_drop", "who": "network", "confidence": "medium", "near": near,
            "evidence": ["silence", "a control answered"],
            "fix": format!("Allow TCP {port} to {host} (stateful, both ways) on the firewall at {near}.") } })
}
