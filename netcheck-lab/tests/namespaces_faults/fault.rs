//! The whole product in a network of the lab, with a script around it that breaks something.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What every script can say: `check` runs the product and tells its exit code and milliseconds, `begun` waits until
/// records are being written, `tools` counts
/// the tools that run, `gone` waits until there are none.
const WORDS: &str = r#"
mount -t proc none /proc
check() {
    from=$(date +%s%3N)
    $NETCHECK --output n.jsonl "$@" >/run/lab/out 2>/run/lab/err
    code=$?
    echo "code $code"
    echo "ms $(( $(date +%s%3N) - from ))"
    sed 's/^/err /' /run/lab/err
}
begun() { until [ -e n.jsonl ] && [ "$(wc -l <n.jsonl)" -gt "${1:-3}" ]; do sleep 0.02; done; }
tools() { cat /proc/[0-9]*/stat 2>/dev/null | grep '(check-' | grep -vc ') Z '; }
gone() { for _ in $(seq 100); do [ "$(tools)" = 0 ] && break; sleep 0.02; done; }
"#;

/// What came of a run.
pub struct Outcome {
    /// What the script said.
    pub said: String,
    folder: TempDir,
}

/// A file of records: every line of it is whole, and every target is there once.
pub struct Kept {
    /// How many targets were planned.
    pub planned: usize,
    /// The records.
    pub records: Vec<Value>,
    /// The run's last line.
    pub end: Option<Value>,
}

/// Runs `script` at the client of a scenario, in a folder of its own.
pub fn fault(scenario: &str, script: &str) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let tools = netcheck_lab::world::probe::tools().unwrap();
    let tools = tools.ancestors().find(|folder| folder.join("check-tcp").exists()).unwrap().to_owned();
    let netcheck = format!(
        "{0}/netcheck check --tools {0} --timeout 2 --public-roots /run/lab/roots.pem --apple-roots /run/lab/apple.pem",
        tools.display()
    );
    let output = Command::new(env!("CARGO_BIN_EXE_netcheck-lab"))
        .args(["run", scenario, "--", "sh", "-c", &format!("{WORDS}{script}")])
        .current_dir(folder.path())
        .env("NETCHECK", netcheck)
        .env("TOOLS", tools)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Outcome { said, folder }
}

impl Outcome {
    /// The number after a word, at the beginning of a line of the script.
    pub fn number(&self, word: &str) -> u64 {
        let line = self.said.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
        line.and_then(|line| line.trim().parse().ok()).unwrap_or_else(|| panic!("no {word}: {}", self.said))
    }

    /// Holds the exit code and the longest time against what they must be.
    pub fn ended(&self, code: u64, within_ms: u64) {
        assert_eq!(self.number("code"), code, "{}", self.said);
        assert!(self.number("ms") <= within_ms, "{}", self.said);
    }

    /// A file in the folder of the run.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The records of the run.
    pub fn kept(&self) -> Kept {
        kept(&self.path("n.jsonl"))
    }
}

/// Reads a file of one run.
pub fn kept(path: &Path) -> Kept {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is torn");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (runs, records): (Vec<Value>, Vec<Value>) =
        lines.into_iter().partition(|line| line["run"].is_object());
    let id = |record: &Value| format!("{} {}", record["target"], record["labels"]["row"]);
    let once: BTreeSet<String> = records.iter().map(id).collect();
    assert_eq!(once.len(), records.len(), "a record is there twice");
    let names: BTreeSet<&str> = records.iter().filter_map(|record| record["run"].as_str()).collect();
    assert!(names.len() <= 1, "records of {} runs are mixed", names.len());
    let planned = runs.first().and_then(|run| run["run"]["planned"].as_u64()).unwrap_or(0);
    let end = runs.into_iter().find(|run| run["run"]["finished"].is_string());
    if let Some(end) = &end {
        assert_eq!(end["run"]["written"], records.len(), "the last line counts what is there");
    }
    Kept { planned: usize::try_from(planned).unwrap(), records, end }
}

impl Kept {
    /// Holds that every planned target has its record.
    pub fn is_complete(&self) {
        assert_eq!((self.records.len(), self.end.is_some()), (self.planned, true));
        assert!(self.planned > 200);
    }
}
