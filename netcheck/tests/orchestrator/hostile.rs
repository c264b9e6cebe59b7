//! Records from elsewhere whose every text is hostile: no report of them moves a cursor or becomes markup.

use std::fs;

use serde_json::{Value, json};

use crate::fake::{Stage, netcheck};

/// Erases the screen, sets the window's title, rings, turns the line around, begins a new one, and ends 8-bit.
const EVIL: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}\u{2066}\u{85}\u{9b}31m\r\n<script>alert(1)</script>|x|`y`";

/// A record in which every text that may hold anything does.
fn record(row: &str, target: &str, verdict: &str) -> Value {
    json!({ "v": 1, "ts": EVIL, "check": EVIL, "target": target, "verdict": verdict,
        "stages": [{ "stage": EVIL, "ok": false, "us": 1 }],
        "failure": { "code": "tcp.timeout", "detail": EVIL },
        "cause": { "code": "firewall_drop", "who": "network", "confidence": "high", "near": "10.0.0.1",
            "evidence": [EVIL, EVIL], "fix": EVIL },
        "path": { "via": EVIL, "proxy": EVIL, "address": EVIL, "local": EVIL, "interface": EVIL, "tunnel": true },
        "facts": { EVIL: EVIL, "dns": { "addresses": [EVIL] }, "tls": { "issuer": EVIL } },
        "labels": { "row": row, "service": EVIL, "role": EVIL, "region": EVIL, "function": EVIL, "required": true,
            "confirmed": EVIL, "way": EVIL, EVIL: EVIL } })
}

fn stage() -> Stage {
    let stage = Stage::empty();
    let mut text = String::new();
    for row in ["core", "ingest", EVIL] {
        for target in ["https://a.example:443", "rtmps://b.example:10000", EVIL] {
            for verdict in ["fail", "degraded", "inconclusive", "pass"] {
                text.push_str(&record(row, target, verdict).to_string());
                text.push('\n');
            }
        }
    }
    fs::write(stage.journal(), &text).unwrap();
    fs::write(stage.dir.path().join("other.jsonl"), text.replace("\"fail\"", "\"pass\"")).unwrap();
    stage
}

/// Standard output and standard error.
fn said(stage: &Stage, args: &[&str]) -> [String; 2] {
    let output = netcheck().current_dir(stage.dir.path()).args(args).output().unwrap();
    [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap())
}

fn assert_harmless(text: &str, what: &str) {
    let harm = text.chars().find(|c| {
        c.is_control() && !matches!(c, '\n' | '\t')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    assert_eq!(harm, None, "{what}: {text:?}");
}

#[test]
fn no_report_of_a_hostile_file_moves_a_cursor() {
    let stage = stage();
    for format in ["text", "markdown", "html", "csv", "json", "junit", "prometheus"] {
        for more in [&[][..], &["--baseline", "other.jsonl"]] {
            let args = [&["report", "netcheck.jsonl", "--format", format][..], more].concat();
            let [out, err] = said(&stage, &args);
            assert!(!out.is_empty(), "{format}: {err}");
            // CSV ends its lines as RFC 4180 has it.
            assert_harmless(&if format == "csv" { out.replace("\r\n", "\n") } else { out.clone() }, format);
            assert_harmless(&err, format);
            assert!(
                !matches!(format, "html" | "markdown" | "junit")
                    || out.matches("<script").count() == usize::from(format == "html"),
                "{format}"
            );
        }
    }
}

#[test]
fn no_comparison_of_hostile_files_moves_a_cursor() {
    let stage = stage();
    for files in [["netcheck.jsonl", "other.jsonl"], ["other.jsonl", "netcheck.jsonl"]] {
        let [out, err] = said(&stage, &["diff", files[0], files[1]]);
        assert_harmless(&out, "diff");
        assert_harmless(&err, "diff");
    }
}

#[test]
fn a_hostile_name_of_a_file_or_a_profile_moves_no_cursor() {
    let stage = Stage::empty();
    let name = "\u{1b}[2Jx\u{202e}";
    fs::write(stage.dir.path().join("p.toml"), format!("format = 1\nname = \"x\"\n\"{name}\" = 1\n"))
        .unwrap();
    for args in [
        vec!["report", name],
        vec!["diff", name, name],
        vec!["plan", "--profile", name],
        vec!["plan", "--profile", "p.toml"],
        vec!["check", "--row", name],
        vec!["check", "--role", name],
    ] {
        let [out, err] = said(&stage, &args);
        assert!(!err.is_empty(), "{args:?}");
        assert_harmless(&out, "output");
        assert_harmless(&err, "message");
    }
}
