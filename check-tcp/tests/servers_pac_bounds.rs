//! Hostile PAC files, run by the real program: each is ended in time and in memory, and the other targets of the run are
//! unharmed. Needs time(1).
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]
#![expect(clippy::disallowed_methods, reason = "a resolver that reads nothing is a socket")]
#![expect(clippy::print_stdout, reason = "the rows of docs/evidence/BROWSER_PROXIES.md")]

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;

use netcheck_lab::{Act, Server, closed_port};
use serde_json::Value;

/// The most memory that a run may take, in KiB.
const MEMORY_KB: u64 = 60 << 10;
/// The same where every target has a script that takes all it may: what was freed need not be the system's again.
const MANY_KB: u64 = 80 << 10;
/// What the script does for the one host it hates, and the fault that is named.
const HOSTILE: [(&str, &str, &str); 9] = [
    ("a loop", "for (;;) ;", "proxy.pac_timeout"),
    (
        "a loop that catches its end",
        "for (;;) try { for (;;) ; } catch (e) { } finally { continue; }",
        "proxy.pac_timeout",
    ),
    (
        "a regular expression",
        "/^(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'); return 'DIRECT';",
        "proxy.pac_timeout",
    ),
    ("doubled text", "var text = 'x'; for (;;) text += text;", "proxy.pac_invalid"),
    ("arrays", "var all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(7));", "proxy.pac_invalid"),
    ("a huge sort", "var list = []; list.length = 4294967295; list.sort();", "proxy.pac_invalid"),
    (
        "a sort again and again",
        "var list = new Uint32Array(7000000); for (;;) list.sort();",
        "proxy.pac_timeout",
    ),
    ("recursion", "function deeper() { return deeper() + 1; } return deeper();", "proxy.pac_invalid"),
    ("a flood of names", "for (var i = 0; ; i++) dnsResolve('n' + i + '.flood.test');", "proxy.pac_timeout"),
];

/// The record of a target.
fn record<'a>(records: &'a [Value], host: &str) -> &'a Value {
    records
        .iter()
        .find(|record| record["target"].as_str().is_some_and(|target| target.contains(host)))
        .unwrap()
}

/// What time(1) says of a run.
struct Run {
    records: Vec<Value>,
    /// The most memory it had, in KiB.
    memory: u64,
    /// How long it took, in seconds: for people.
    seconds: String,
}

/// Runs the tool with this script and these targets; names below `lab.test` are this machine's.
fn run(folder: &Path, script: &str, hosts: &[String], arguments: &[&str]) -> Run {
    fs::write(folder.join("hostile.pac"), script).unwrap();
    let server = Server::tcp(vec![Act::Stall]);
    let output = Command::new("/usr/bin/time")
        .args(["--format=%M %e", "--output=used", env!("CARGO_BIN_EXE_check-tcp")])
        .args(["--proxy", &format!("pac+file://{}/hostile.pac", folder.display()), "--format", "json"])
        .args(arguments)
        .args(hosts.iter().flat_map(|host| ["--connect-to".to_owned(), format!("{host}=127.0.0.1")]))
        .args(hosts.iter().map(|host| format!("tcp://{host}:{}", server.port)))
        .current_dir(folder)
        .output()
        .unwrap();
    let records = String::from_utf8_lossy(&output.stdout).into_owned();
    let records: Vec<Value> = records.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), hosts.len(), "{}", String::from_utf8_lossy(&output.stderr));
    let used = fs::read_to_string(folder.join("used")).unwrap();
    let (memory, seconds) = used.lines().last().unwrap().split_once(' ').unwrap();
    Run { records, memory: memory.parse().unwrap(), seconds: seconds.to_owned() }
}

fn refusing() -> [String; 2] {
    ["--resolver".to_owned(), format!("127.0.0.1:{}", closed_port())]
}

#[test]
fn a_hostile_script_is_ended_and_harms_no_other_target() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = ["hated", "other", "third"].map(|host| format!("{host}.lab.test"));
    for (what, hostile, fault) in HOSTILE {
        let script = format!(
            "function FindProxyForURL(url, host) {{ if (host != 'hated.lab.test') return 'DIRECT';\n{hostile}\n}}"
        );
        let [flag, resolver] = refusing();
        let run = run(folder.path(), &script, &hosts, &[&flag, &resolver]);
        println!("{what}: {fault}, {} s, {} KiB", run.seconds, run.memory);
        let hated = record(&run.records, "hated");
        assert_eq!(
            (&hated["verdict"], &hated["failure"]["code"], &hated["cause"]["code"]),
            (&"degraded".into(), &fault.into(), &"proxy_pac".into()),
            "{what}: {hated}"
        );
        for host in ["other", "third"] {
            let other = record(&run.records, host);
            assert_eq!(
                (&other["verdict"], &other["failure"]),
                (&"pass".into(), &Value::Null),
                "{what}: {other}"
            );
        }
        assert!(run.memory < MEMORY_KB, "{what}: {} KiB", run.memory);
    }
}

#[test]
fn many_questions_at_once_do_not_add_up_their_memory() {
    let folder = tempfile::tempdir().unwrap();
    let hosts: Vec<String> = (0..30).map(|number| format!("n{number}.lab.test")).collect();
    let [flag, resolver] = refusing();
    for (what, greedy, ends) in [
        ("more than a script may have", "for (;;) all.push(new Uint8Array(1 << 20).fill(7));", false),
        (
            "as much as a script may have",
            "while (all.length < 24) all.push(new Uint8Array(1 << 20).fill(7));",
            true,
        ),
    ] {
        let script =
            format!("function FindProxyForURL(url, host) {{ var all = []; {greedy} return 'DIRECT'; }}");
        let run = run(folder.path(), &script, &hosts, &[&flag, &resolver]);
        println!("{what}: {} s, {} KiB", run.seconds, run.memory);
        for record in &run.records {
            let expected = if ends { "pass" } else { "degraded" };
            assert_eq!(record["verdict"], expected, "{what}: {record}");
        }
        assert!(run.memory < MANY_KB, "{what}: {} KiB", run.memory);
    }
}

#[test]
fn a_script_that_waits_for_names_is_answered_within_the_timeout() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody reads what comes to it.
    let silent = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let resolver = silent.local_addr().unwrap().to_string();
    let script = "function FindProxyForURL(url, host) { for (var i = 0; i < 20; i++) \
                  dnsResolve('n' + i + '.flood.test'); return 'DIRECT'; }";
    let hosts = ["waiting.lab.test".to_owned()];
    let run = run(folder.path(), script, &hosts, &["--resolver", &resolver, "--timeout", "1"]);
    println!("names that nobody answers: {} s, {} KiB", run.seconds, run.memory);
    let record = &run.records[0];
    assert_eq!(record["verdict"], "pass", "{record}");
    assert_eq!(record["facts"]["proxy"]["pac"]["names_asked"].as_array().map(Vec::len), Some(20), "{record}");
    // Twenty names of half a timeout each would take ten seconds; the bound has room for a slow machine.
    assert!(run.seconds.parse::<f64>().unwrap() < 6.0, "{} s", run.seconds);
}
