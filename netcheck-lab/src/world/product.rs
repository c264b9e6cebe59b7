//! The whole product in a scenario: the built-in profile checked, and its findings counted against the planted faults.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use serde_json::Value;

use super::FILES;
use super::isolate::ends_with_parent;
use super::probe::tools;
use super::scenario::Scenario;

/// How many scenarios run at once: two share two cores without bending each other's timings.
const AT_ONCE: usize = 2;
/// A check that lasts longer has hung.
const PATIENCE_S: &str = "240";

/// One run of `netcheck check` in a scenario.
#[derive(Clone, Debug)]
pub struct ProductRun {
    /// The exit code.
    pub code: Option<i32>,
    /// The file of the run: its lines and its records.
    pub records: String,
    /// What a person saw.
    pub screen: String,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl ProductRun {
    /// Checks the built-in profile in a scenario, with these further arguments.
    ///
    /// # Errors
    /// A program cannot be started.
    pub fn check(scenario: &str, arguments: &[&str]) -> io::Result<ProductRun> {
        ProductRun::within(scenario, &[], arguments)
    }

    /// The same, started by another command: `sh -c …`.
    ///
    /// # Errors
    /// A program cannot be started.
    pub fn within(scenario: &str, starter: &[&str], arguments: &[&str]) -> io::Result<ProductRun> {
        let tools = tools()?;
        let roots = |file: &str| Path::new(FILES).join(file);
        let started = Instant::now();
        let output = ends_with_parent(Path::new("timeout"))
            .args(["-s", "KILL", PATIENCE_S])
            .arg(tools.join("netcheck-lab"))
            .args(["run", scenario, "--"])
            .args(starter)
            .arg(tools.join("netcheck"))
            .args(["check", "--output", "-", "--tools"])
            .arg(&tools)
            .args([Path::new("--public-roots"), &roots("roots.pem")])
            .args([Path::new("--apple-roots"), &roots("apple.pem")])
            .args(arguments)
            .stdin(Stdio::null())
            .output()?;
        Ok(ProductRun {
            code: output.status.code(),
            records: String::from_utf8_lossy(&output.stdout).into_owned(),
            screen: String::from_utf8_lossy(&output.stderr).into_owned(),
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// `netcheck report` of this run's records.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn report(&self, arguments: &[&str]) -> io::Result<Output> {
        report(&self.records, arguments)
    }

    /// The same as JSON.
    ///
    /// # Errors
    /// There is no report.
    pub fn answer(&self) -> io::Result<Value> {
        let output = self.report(&["--format", "json"])?;
        serde_json::from_slice(&output.stdout).map_err(|error| {
            io::Error::other(format!("{error}: {}{}", String::from_utf8_lossy(&output.stderr), self.screen))
        })
    }
}

/// `netcheck report` of these records.
///
/// # Errors
/// The program cannot be started.
pub fn report(records: &str, arguments: &[&str]) -> io::Result<Output> {
    let mut child = Command::new(tools()?.join("netcheck"))
        .args(["report", "-"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let input = child.stdin.take();
    thread::scope(|scope| {
        // A report that is refused reads nothing.
        scope.spawn(move || input.map(|mut input| input.write_all(records.as_bytes())));
        child.wait_with_output()
    })
}

/// What the product says of one scenario.
#[derive(Clone, Debug)]
struct ProductRow {
    scenario: String,
    sentence: String,
    faults: usize,
    /// Cause and place of each finding, and how sure it is.
    findings: Vec<String>,
    requests: usize,
    seconds: f64,
    /// The first sentence, or why there is none.
    headline: String,
    answered: bool,
}

impl ProductRow {
    /// At most one finding for a planted fault, and one request for a finding.
    fn holds(&self) -> bool {
        self.answered && self.findings.len() <= self.faults && self.requests <= self.findings.len()
    }
}

/// What the product says of every scenario.
#[derive(Debug, Default)]
pub struct ProductTable {
    rows: Vec<ProductRow>,
}

impl ProductTable {
    /// Runs the scenarios of these names, telling of each as it is done.
    ///
    /// # Errors
    /// A scenario cannot be read.
    pub fn run(names: &[String], out: &Mutex<impl Write + Send>) -> io::Result<ProductTable> {
        let scenarios: VecDeque<Scenario> =
            names.iter().map(|name| Scenario::read(name)).collect::<Result<_, _>>()?;
        let (waiting, rows) = (Mutex::new(scenarios), Mutex::new(Vec::new()));
        let next = || waiting.lock().ok()?.pop_front();
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while let Some(scenario) = next() {
                        let row = row(&scenario);
                        if let Ok(mut out) = out.lock() {
                            let _ = tell(&mut *out, &row);
                        }
                        if let Ok(mut rows) = rows.lock() {
                            rows.push(row);
                        }
                    }
                });
            }
        });
        let mut rows = rows.into_inner().unwrap_or_default();
        rows.sort_by_key(|row: &ProductRow| names.iter().position(|name| *name == row.scenario));
        Ok(ProductTable { rows })
    }

    /// Whether no planted fault has more than one finding anywhere.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.rows.iter().all(ProductRow::holds)
    }

    /// The sums, in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let faults: usize = self.rows.iter().map(|row| row.faults).sum();
        let findings: usize = self.rows.iter().map(|row| row.findings.len()).sum();
        let requests: usize = self.rows.iter().map(|row| row.requests).sum();
        let over = self.rows.iter().filter(|row| !row.holds()).count();
        format!(
            "{} networks, {faults} planted faults, {findings} findings, {requests} requests; more than one finding \
             for a fault in {over}",
            self.rows.len()
        )
    }

    /// The table for docs/evidence/MATRIX.md.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::from(
            "| network | what is broken | faults | findings | requests | seconds | what is found |\n\
             |---|---|---|---|---|---|---|\n",
        );
        for row in &self.rows {
            let found = if row.findings.is_empty() { "nothing".to_owned() } else { row.findings.join("; ") };
            text += &format!(
                "| {} | {} | {} | {} | {} | {:.0} | {} |\n",
                row.scenario,
                row.sentence.replace('|', "\\|"),
                row.faults,
                row.findings.len(),
                row.requests,
                row.seconds,
                found.replace('|', "\\|")
            );
        }
        text + "\n" + &self.summary() + ".\n"
    }
}

fn row(scenario: &Scenario) -> ProductRow {
    let run = ProductRun::check(&scenario.name, &[]);
    let seconds = run.as_ref().map_or(0.0, |run| run.seconds);
    let answer = run.and_then(|run| run.answer());
    let list = |key: &str| -> Vec<Value> {
        answer.as_ref().ok().and_then(|answer| answer[key].as_array().cloned()).unwrap_or_default()
    };
    ProductRow {
        scenario: scenario.name.clone(),
        sentence: scenario.sentence.clone(),
        faults: scenario.faults(),
        findings: list("findings").iter().map(finding).collect(),
        requests: list("requests").len(),
        seconds,
        headline: match &answer {
            Ok(answer) => answer["headline"].as_str().unwrap_or_default().to_owned(),
            Err(error) => error.to_string(),
        },
        answered: answer.is_ok(),
    }
}

/// `firewall_drop @10.30.0.2 (medium)`.
fn finding(finding: &Value) -> String {
    let text = |key: &str| finding[key].as_str().unwrap_or_default();
    let place = if text("near").is_empty() { String::new() } else { format!(" @{}", text("near")) };
    format!("{}{place} ({})", text("cause"), text("confidence"))
}

fn tell(out: &mut impl Write, row: &ProductRow) -> io::Result<()> {
    let mark = if row.holds() { "ok" } else { "MORE" };
    writeln!(
        out,
        "{mark:<5} {:<32} {} faults, {} findings, {} requests, {:.1} s",
        row.scenario,
        row.faults,
        row.findings.len(),
        row.requests,
        row.seconds
    )?;
    if mark == "ok" {
        return Ok(());
    }
    writeln!(out, "      {}\n      {}", row.findings.join("; "), row.headline)
}
