//! The HTML report in a real browser: Debian's Chromium, with playwright-core and axe-core as browser/package-lock.json
//! pins them. The records are those of `netcheck-lab demo`: its scenario `corporate`, as browser/corporate.jsonl keeps it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its stage has failed")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What must stay text, whoever says it.
const HOSTILE: &[&str] = &[
    "<script>window.ran=1;alert(1)</script>",
    "</script><script src=https://evil.example/x.js></script>",
    "\"><img src=https://evil.example/a.png onerror=alert(1)>",
    "' onmouseover='alert(1)' style='background:url(https://evil.example/b)' x='",
    "</td></tr></table></details></style><svg onload=alert(1)><use href=https://evil.example/#x>",
    "</title><base href=https://evil.example/><meta http-equiv=refresh content=0;url=https://evil.example>",
    "javascript:alert(1)//<a href=javascript:alert(1)>click</a>",
    "<!--<style>@import 'https://evil.example/c.css';*{display:none}</style>-->]]>&lt;script&gt;&#x3c;script>",
    "\u{202e}gpj.exe\u{2066}\u{200f}\0\x1b[2J\x1b]0;owned\x07\u{9b}31m\r\n\u{2028}\u{feff}",
    "<iframe srcdoc=\"<script>parent.ran=1</script>\"></iframe><form action=https://evil.example><input autofocus onfocus=alert(1)>",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

/// Text of the demonstration's records.
fn demonstration() -> String {
    fs::read_to_string(folder().join("corporate.jsonl")).unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Installs what the browser is driven with, once for all tests of this file.
fn installed() -> PathBuf {
    let into = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    fs::create_dir_all(&into).unwrap();
    let turn = File::create(into.join("lock")).unwrap();
    turn.lock().unwrap();
    let wanted = fs::read(folder().join("package-lock.json")).unwrap();
    let done = into.join("installed.json");
    if fs::read(&done).is_ok_and(|has| has == wanted) {
        return into;
    }
    for file in ["package.json", "package-lock.json"] {
        fs::copy(folder().join(file), into.join(file)).unwrap();
    }
    let npm = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&into)
        .output()
        .expect("npm is needed: it comes with Node.js, or as Debian's package npm");
    assert!(npm.status.success(), "{}", said(&npm));
    fs::write(done, wanted).unwrap();
    into
}

/// Makes a page of records and opens it in every look; nothing may be wrong with it, and it fits on so many pages of paper.
fn look(records: &str, pictures: Option<&Path>, paper: &str) {
    let stage = TempDir::new().unwrap();
    let (file, page) = (stage.path().join("records.jsonl"), stage.path().join("report.html"));
    fs::write(&file, records).unwrap();
    let report = Command::new(env!("CARGO_BIN_EXE_netcheck"))
        .args(["report", "--format", "html", "--output"])
        .args([&page, &file])
        .output()
        .unwrap();
    // What does not work is an answer.
    assert!(matches!(report.status.code(), Some(0..=2)), "{}", said(&report));
    assert!(page.exists(), "{}", said(&report));
    let packages = installed();
    let seen = Command::new("node")
        .arg(folder().join("look.cjs"))
        .arg(&page)
        .args(pictures)
        .env("NODE_PATH", packages.join("node_modules"))
        .env("TMPDIR", stage.path())
        .env("PAPER_PAGES", paper)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(seen.status.success(), "{}", said(&seen));
}

#[test]
fn the_demonstrations_report_holds_in_a_browser() {
    // NETCHECK_SCREENSHOTS=FOLDER keeps the pictures: docs/screenshots are made so.
    let pictures = std::env::var_os("NETCHECK_SCREENSHOTS").map(PathBuf::from);
    look(&demonstration(), pictures.as_deref(), "2");
}

/// Every text of a record hostile but those that keep it a record; in turn, so that each stands in every place.
fn poison(value: &mut Value, key: &str, turn: &mut usize) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                poison(value, key, turn);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, key, turn)),
        Value::String(text) if !matches!(key, "verdict" | "code" | "who" | "confidence" | "near" | "via") => {
            *turn += 1;
            *text = match *turn % 13 {
                // As it was, so that rows, roles and regions keep some of their records.
                0 | 1 if matches!(key, "row" | "role" | "region" | "target") => return,
                2 => "A".repeat(20_000),
                number => format!("{}{}", HOSTILE[number % HOSTILE.len()], HOSTILE[*turn % HOSTILE.len()]),
            };
        }
        _ => {}
    }
}

#[test]
fn hostile_records_stay_text_in_a_browser() {
    let mut turn = 0;
    let mut records = String::new();
    // Some of every row: a browser takes its time with a page of nothing but long words.
    for (at, line) in demonstration().lines().step_by(5).enumerate() {
        let mut record: Value = serde_json::from_str(line).unwrap();
        // In every other record the labels are true: hostile text then stands in the rows of the profile.
        let (target, labels) = (record["target"].clone(), record["labels"].clone());
        poison(&mut record, "", &mut turn);
        if at % 2 == 0 {
            record["target"] = target;
            record["labels"] = labels;
        }
        records.push_str(&format!("{record}\n"));
    }
    assert!(turn > 500, "{turn} texts are hostile");
    look(&records, None, "60");
}
