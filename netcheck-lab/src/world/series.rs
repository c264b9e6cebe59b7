//! Whole runs of the product in one network, many times: how often a record is sure of a cause that does not hold.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use super::isolate::ends_with_parent;
use super::probe::{Said, tools};
use super::scenario::Scenario;
use super::{FILES, World};

/// How many runs take place at once: they wait more than they work.
const AT_ONCE: usize = 3;
/// A run that lasts longer has hung.
const PATIENCE_S: &str = "180";

/// What a series of whole runs said.
#[derive(Debug, Default)]
pub struct Series {
    /// The scenario's name.
    pub scenario: String,
    /// Runs that ended by themselves.
    pub runs: usize,
    /// Why other runs did not.
    pub broken: Vec<String>,
    /// Records of a verdict.
    pub verdicts: BTreeMap<String, usize>,
    /// Records of a cause and a confidence.
    pub causes: BTreeMap<String, usize>,
    /// The records that are sure of a cause that does not hold here.
    pub wrong: Vec<String>,
}

impl Series {
    /// Runs `netcheck check` that often in the world of the scenario, anew each time.
    ///
    /// # Errors
    /// The scenario cannot be read, or does not say which causes hold.
    pub fn run(name: &str, runs: usize) -> io::Result<Series> {
        let scenario = Scenario::read(name)?;
        let causes = scenario.true_causes.as_ref().ok_or_else(|| {
            io::Error::other(format!("{name} does not say which causes hold (true_causes)"))
        })?;
        let series = Mutex::new(Series { scenario: name.to_owned(), ..Series::default() });
        let begun = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(runs) {
                scope.spawn(|| {
                    while begun.fetch_add(1, Ordering::SeqCst) < runs {
                        let records = whole(name);
                        if let Ok(mut series) = series.lock() {
                            series.add(records, causes);
                        }
                    }
                });
            }
        });
        Ok(series.into_inner().unwrap_or_default())
    }

    /// Whether every run ended, and none was sure and wrong.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.broken.is_empty() && self.wrong.is_empty() && self.runs > 0
    }

    /// A row of the table in docs/evidence/SERIES.md.
    #[must_use]
    pub fn row(&self) -> String {
        let counts = |map: &BTreeMap<String, usize>| {
            let one = |(words, count): (&String, &usize)| format!("{count} {words}");
            map.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        let records: usize = self.verdicts.values().sum();
        let mut text = format!(
            "| `{}` | {} | {records}: {} | {} | {} |\n",
            self.scenario,
            self.runs,
            counts(&self.verdicts),
            counts(&self.causes),
            self.wrong.len()
        );
        for line in self.broken.iter().chain(&self.wrong) {
            let _ = writeln!(text, "  {line}");
        }
        text
    }

    fn add(&mut self, records: io::Result<Vec<Value>>, true_causes: &[String]) {
        let records = match records {
            Ok(records) => records,
            Err(error) => {
                self.broken.push(error.to_string());
                return;
            }
        };
        self.runs += 1;
        for record in records {
            let said = Said::by(&record);
            *self.verdicts.entry(said.verdict.clone()).or_default() += 1;
            let (Some(cause), Some(confidence)) = (&said.cause, &said.confidence) else { continue };
            *self.causes.entry(format!("{cause} ({confidence})")).or_default() += 1;
            if confidence == "high" && !true_causes.contains(cause) {
                self.wrong.push(format!("{}: {}", record["target"], said.words()));
            }
        }
    }
}

/// Runs the product once, alone in the scenario's world.
///
/// # Errors
/// The world cannot be built, or the product did not end by itself or wrote no record.
pub fn check(scenario: &Scenario) -> io::Result<std::process::ExitStatus> {
    let mut world = World::build(&scenario.world)?;
    world.break_as(scenario)?;
    let tools = tools()?;
    let file = |name: &str| Path::new(FILES).join(name);
    let mut command = Command::new(tools.join("netcheck"));
    command
        .args([Path::new("check"), Path::new("--tools"), &tools])
        .args([Path::new("--public-roots"), &file("roots.pem")])
        .args([Path::new("--apple-roots"), &file("apple.pem")])
        .args(["--output", "-"])
        .envs(&scenario.env);
    world.show(&mut command)
}

/// The records of one run in a process of its own.
fn whole(name: &str) -> io::Result<Vec<Value>> {
    let output = ends_with_parent(Path::new("timeout"))
        .args(["-s", "KILL", PATIENCE_S])
        .arg(std::env::current_exe()?)
        .args(["check", name])
        .stdin(Stdio::null())
        .output()?;
    let lines = String::from_utf8_lossy(&output.stdout);
    let records: Vec<Value> = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line.get("verdict").is_some())
        .collect();
    match output.status.code() {
        Some(0 | 1) if !records.is_empty() => Ok(records),
        _ => {
            let error_text = String::from_utf8_lossy(&output.stderr);
            let last = error_text.trim().lines().last().unwrap_or_default().to_owned();
            Err(io::Error::other(format!("{}: {} records: {last}", output.status, records.len())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(cause: &str, confidence: &str) -> Value {
        serde_json::json!({
            "target": "tcp://192.0.2.1:1", "verdict": "fail",
            "failure": {"code": "tcp.timeout"}, "cause": {"code": cause, "confidence": confidence},
        })
    }

    #[test]
    fn only_a_sure_cause_that_does_not_hold_is_wrong() {
        let mut series = Series::default();
        let true_causes = ["lossy_path".to_owned()];
        let records = vec![record("lossy_path", "high"), record("offline", "low")];
        series.add(Ok(records), &true_causes);
        assert!(series.holds(), "{series:?}");
        series.add(Ok(vec![record("offline", "high")]), &true_causes);
        assert_eq!(series.wrong, ["\"tcp://192.0.2.1:1\": fail tcp.timeout offline (high)"]);
        assert!(!series.holds());
    }

    #[test]
    fn a_run_that_does_not_end_breaks_the_series() {
        let mut series = Series::default();
        series.add(Err(io::Error::other("killed")), &[]);
        assert!(!series.holds());
    }
}
