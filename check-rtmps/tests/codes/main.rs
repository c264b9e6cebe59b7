//! Every code and verdict of the stages `rtmp`, `connect` and `publish`, by the real binary against scripted servers.
#![expect(clippy::unwrap_used, reason = "a helper of a test ends the test")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test fills the queue of a port with connections of its own"
)]

mod connect;
mod handshake;
#[path = "../peer/mod.rs"]
mod peer;
mod places;
mod publish;

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use netcheck_lab::pki::{Authority, Leaf};
use netcheck_lab::script::{Act, Server, closed_port};
use netcheck_lab::tool::{Outcome, Tool, normal};
use netcheck_lab::view::{attributed, observed, word};
use serde_json::{Value, json};

const FAST: [&str; 2] = ["--timeout", "1"];

fn tool() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_check-rtmps"))
}

fn run(acts: Vec<Act>, path: &str, args: &[&str]) -> Outcome {
    let server = Server::tcp(acts);
    tool().args(args).arg(format!("rtmp://127.0.0.1:{}{path}", server.port)).run()
}

fn check(acts: Vec<Act>, args: &[&str]) -> Value {
    run(acts, "", args).one().clone()
}

fn stages(record: &Value) -> Vec<(String, bool)> {
    let stages = record["stages"].as_array().unwrap();
    stages
        .iter()
        .map(|stage| (stage["stage"].as_str().unwrap().to_owned(), stage["ok"].as_bool().unwrap()))
        .collect()
}

fn passed(names: &[&str]) -> Vec<(String, bool)> {
    names.iter().map(|name| ((*name).to_owned(), true)).collect()
}

struct Genuine {
    roots: PathBuf,
    leaf: Leaf,
    _dir: tempfile::TempDir,
}

fn genuine() -> Genuine {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new("Lab Public Root");
    Genuine { roots: authority.write(dir.path()), leaf: authority.leaf(&["ingest.test"]), _dir: dir }
}

/// Checks an RTMPS server whose certificate is as good as a public one.
fn check_tls(acts: Vec<Act>, path: &str, args: &[&str]) -> Value {
    run_tls(tool(), acts, path, args)
}

fn run_tls(tool: Tool, acts: Vec<Act>, path: &str, args: &[&str]) -> Value {
    let genuine = genuine();
    let server = Server::tls(&genuine.leaf, &[], acts);
    let target = format!("rtmps://ingest.test:{}{path}", server.port);
    let tool = tool.args(["--connect-to", "ingest.test=127.0.0.1", "--public-roots"]).arg(&genuine.roots);
    tool.args(args).arg(target).run().one().clone()
}
