//! A hostile target beside a good one: the hostile one ends in time, the good one is unharmed, memory stays small.

use std::time::Duration;

use netcheck_lab::Server;
use netcheck_lab::pki::Authority;
use netcheck_lab::script::Act;
use netcheck_lab::tool::{Outcome, Tool};
use serde_json::Value;

/// The name of hostile servers.
pub const NAME: &str = "www.spotme.com";

/// What a stage and a target may take.
const TIMEOUT: &str = "2";
const DEADLINE: &str = "3";
/// The deadline, and what a busy machine needs to start a program and to end it.
const PATIENCE: Duration = Duration::from_secs(3 + 6);
/// The most memory a run may have held, in KiB.
const MEMORY: i64 = 60 << 10;

/// The tool, with hostile names on loopback.
pub fn tool() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_check-tcp"))
        .args(["--connect-to", &format!("{NAME}=127.0.0.1"), "--timeout", TIMEOUT, "--deadline", DEADLINE])
        .env("NO_PROXY", "127.0.0.1")
}

/// Checks a hostile target and a good one at once; returns the record of the hostile one.
pub fn endure(tool: Tool, hostile: &str) -> Value {
    let good = Server::tcp(vec![
        Act::until("\r\n\r\n"),
        Act::send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        Act::Close,
    ]);
    let beside = format!("http://127.0.0.1:{}/", good.port);
    let begun = netcheck_common::clock::now();
    let outcome = tool.args([hostile, &beside]).run();
    let took = begun.elapsed();
    assert!(took < PATIENCE, "{took:?}: {outcome:#?}");
    assert_eq!(outcome.records.len(), 2, "{outcome:#?}");
    assert_harmless(&outcome);
    let (good, hostile): (Vec<_>, Vec<_>) =
        outcome.records.into_iter().partition(|record| record["target"] == beside.as_str());
    assert_eq!(good[0]["verdict"], "pass", "{good:#?}");
    assert!(hostile[0].to_string().len() < 16 << 10, "a record is not a copy of what was sent: {hostile:#?}");
    assert!(memory() < MEMORY, "{} KiB", memory());
    hostile[0].clone()
}

/// The same against a server at our name: `scheme://name:port/`.
pub fn against(scheme: &str, server: &Server) -> Value {
    endure(tool(), &format!("{scheme}://{NAME}:{}", server.port))
}

/// The same against a server inside genuine TLS.
pub fn genuine(alpn: &[&str], acts: Vec<Act>) -> Value {
    let root = Authority::new("Lab Public Root");
    let server = Server::tls(&root.leaf(&[NAME]), alpn, acts);
    let tool = tool().file("public.pem", root.pem()).args(["--public-roots", "public.pem"]);
    endure(tool, &format!("https://{NAME}:{}", server.port))
}

/// The largest resident set of any tool this program has run, in KiB.
fn memory() -> i64 {
    use nix::sys::resource::{UsageWho, getrusage};
    getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss()
}

/// Nothing that was written can move a cursor, colour a line, or turn text around.
pub fn assert_harmless(outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        let harm = text.chars().find(|c| {
            c.is_control() && *c != '\n'
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert_eq!(harm, None, "{text:?}");
    }
}

/// Verdict and failure.
pub fn seen(record: &Value) -> String {
    let word = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
    format!("{} {}", word("/verdict"), word("/failure/code"))
}
