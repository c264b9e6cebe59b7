//! What peers say, on its way to a terminal.

use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::tool::{Outcome, Tool};
use netcheck_lab::{Act, Server};

use crate::trial::{NAME, assert_harmless, tool};

/// Erases the screen, sets the window's title, rings, turns the line around, begins a new one, and ends 8-bit.
const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}\u{2066}\u{85}\u{9b}31m";

fn plain(answer: String) -> Server {
    Server::tcp(vec![Act::ReadSome, Act::send(answer), Act::Close])
}

/// All that a peer can bring into a record, in one run.
fn run(tool: Tool) -> Outcome {
    let banner = Server::tcp(vec![Act::send(EVIL), Act::Stall]);
    let line = plain(format!("{EVIL}\r\n"));
    let location = plain(
        format!("HTTP/1.1 302 Found\r\nLocation: http://{EVIL}/\r\nContent-Length: 0\r\n\r\n")
            .replace(['\u{7}', '\u{1b}'], ""),
    );
    let page =
        plain(format!("HTTP/1.1 403 {}\r\nServer: {0}\r\n\r\n{EVIL} blocked by policy", "\u{202e}\u{9b}"));
    let dns = DnsServer::start(Zone::new().ede("filtered.example.com", 3, 15, EVIL));
    let targets = [
        format!("tcp://{NAME}:{}", banner.port),
        format!("tls://{NAME}:{}", line.port),
        format!("http://{NAME}:{}", location.port),
        format!("http://{NAME}:{}", page.port),
        "tls://filtered.example.com".to_owned(),
    ];
    let outcome = tool.args(["-v", "--resolver", &dns.addr.to_string()]).args(targets).run();
    assert_harmless(&outcome);
    outcome
}

#[test]
fn nothing_a_peer_says_reaches_the_terminal_as_it_is() {
    let outcome = run(tool().args(["--format", "text"]));
    assert_eq!(outcome.stdout.lines().count(), 5, "{outcome:#?}");
    assert!(outcome.stdout.contains("\\u{1b}[2J"), "{outcome:#?}");
}

#[test]
fn nothing_a_peer_says_reaches_a_record_as_it_is() {
    let outcome = run(tool());
    assert_eq!(outcome.records.len(), 5, "{outcome:#?}");
    // Not even hidden behind JSON's own escapes.
    let decoded: String = outcome.records.iter().map(strings).collect();
    assert!(!decoded.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']), "{decoded:?}");
}

/// All strings of a value.
fn strings(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => items.iter().map(strings).collect(),
        serde_json::Value::Object(map) => {
            map.iter().map(|(key, value)| key.clone() + &strings(value)).collect()
        }
        _ => String::new(),
    }
}

#[test]
fn a_line_of_input_cannot_reach_the_terminal_as_it_is() {
    for format in ["text", "json"] {
        let input = format!("tcp://{EVIL}:443\n{{\"target\": \"tcp://x{EVIL}:1\"}}\n");
        let outcome = tool().args(["--format", format]).stdin(input).run();
        assert_eq!(outcome.code, 2);
        assert_harmless(&outcome);
    }
}

#[test]
fn an_argument_cannot_reach_the_terminal_as_it_is() {
    let outcome = tool().arg(format!("tcp://{EVIL}:443")).run();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    assert_harmless(&outcome);
}

#[test]
fn a_label_cannot_reach_the_terminal_as_it_is() {
    let server = Server::tcp(vec![Act::Stall]);
    let labels =
        serde_json::json!({"target": format!("tcp://{NAME}:{}", server.port), "labels": {"service": EVIL}});
    let outcome = tool().args(["--format", "text"]).stdin(labels.to_string()).run();
    assert_eq!(outcome.code, 0);
    assert_harmless(&outcome);
}
