//! Every scenario, two at a time, each in a process of its own; expected held against found.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::process::Stdio;
use std::sync::Mutex;
use std::thread;

use super::isolate::ends_with_parent;
use super::probe::{Found, Judgement, Said, Unfounded};
use super::scenario::{Probe, Scenario};

/// What a system may not tell, by the names of `NETCHECK_BLIND`: each alone, and all.
pub const SENSES: [&str; 9] = [
    "acked",
    "peer_socket",
    "ping",
    "reset_distance",
    "sent_octets",
    "small_segments",
    "tcp_icmp",
    "udp_icmp",
    "all",
];
/// The head of the table that [`Matrix::blind_markdown`] makes rows of.
pub const BLIND_HEAD: &str = "| not told | faults | cause found | cause lost | sure and wrong | wrong `port_idle` | false alarms |\n|---|---|---|---|---|---|---|\n";

/// How many scenarios run at once: two share two cores without bending each other's timings.
const AT_ONCE: usize = 2;
/// A scenario that lasts longer has hung.
const PATIENCE_S: &str = "120";

/// One probe of one scenario.
#[derive(Clone, Debug)]
pub struct Row {
    /// The scenario's name.
    pub scenario: String,
    /// What is broken.
    pub sentence: String,
    /// What was run.
    pub run: String,
    /// What must be found.
    pub expected: String,
    /// What was found: the record that is least right.
    pub found: String,
    /// How far that is right.
    pub judgement: Judgement,
    /// What a record says that nothing supports, where one does.
    pub unfounded: Option<Unfounded>,
}

/// The matrix.
#[derive(Debug, Default)]
pub struct Matrix {
    /// Its rows, by scenario.
    pub rows: Vec<Row>,
}

impl Matrix {
    /// Runs the scenarios of these names, telling of each row as it is done.
    ///
    /// # Errors
    /// A scenario cannot be read.
    pub fn run(names: &[String], out: &Mutex<impl Write + Send>) -> io::Result<Matrix> {
        Matrix::run_blind(names, "", out)
    }

    /// The same on a system that does not tell these senses (`NETCHECK_BLIND`, docs/PLATFORMS.md).
    ///
    /// # Errors
    /// A scenario cannot be read.
    pub fn run_blind(names: &[String], senses: &str, out: &Mutex<impl Write + Send>) -> io::Result<Matrix> {
        let scenarios: VecDeque<Scenario> =
            names.iter().map(|name| Scenario::read(name)).collect::<Result<_, _>>()?;
        let (waiting, rows) = (Mutex::new(scenarios), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while let Some(scenario) = next(&waiting) {
                        let done = judge(&scenario, run_apart(&scenario.name, senses));
                        if let Ok(mut out) = out.lock() {
                            done.iter().for_each(|row| drop(tell(&mut *out, row)));
                        }
                        if let Ok(mut rows) = rows.lock() {
                            rows.extend(done);
                        }
                    }
                });
            }
        });
        let mut rows = rows.into_inner().unwrap_or_default();
        let place = |row: &Row| names.iter().position(|name| *name == row.scenario);
        rows.sort_by_key(place);
        Ok(Matrix { rows })
    }

    /// Whether the product's promise holds: every verdict and failure code right, 95 % of the causes, no cause that is
    /// sure and wrong.
    #[must_use]
    pub fn holds(&self) -> bool {
        let causes = self.count(|judgement| judgement.inferred);
        self.count(|judgement| judgement.observed) == self.rows.len()
            && causes * 100 >= self.rows.len() * 95
            && self.count(|judgement| judgement.misleading) == 0
    }

    /// Whether the product keeps to what a blind system can show: no cause that is sure and wrong, no refusal ascribed to
    /// a service that did not refuse, no alarm about a healthy network, and a record for each probe.
    #[must_use]
    pub fn holds_blind(&self) -> bool {
        self.rows.iter().all(|row| row.unfounded.is_none() && !row.found.starts_with("no record"))
    }

    /// The rows of [`Matrix::holds_blind`] that do not hold, one line each.
    #[must_use]
    pub fn unfounded(&self) -> Vec<String> {
        let wrong =
            self.rows.iter().filter(|row| row.unfounded.is_some() || row.found.starts_with("no record"));
        wrong
            .map(|row| format!("{:?} {}: {} found {}", row.unfounded, row.scenario, row.run, row.found))
            .collect()
    }

    /// One row of the table for docs/PLATFORMS.md: causes found, lost, and what nothing supports.
    #[must_use]
    pub fn blind_markdown(&self, senses: &str) -> String {
        let faulty = || self.rows.iter().filter(|row| !row.expected.starts_with("pass"));
        let found = faulty().filter(|row| row.judgement.inferred).count();
        let of = |what| self.rows.iter().filter(|row| row.unfounded == Some(what)).count();
        format!(
            "| `{senses}` | {} | {found} | {} | {} | {} | {} |\n",
            faulty().count(),
            faulty().count() - found,
            of(Unfounded::Sure),
            of(Unfounded::Idle),
            of(Unfounded::Alarm)
        )
    }

    /// The sums, in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let all = self.rows.len();
        format!(
            "{all} probes: verdict and failure code right in {}, cause right in {}, sure and wrong in {}",
            self.count(|judgement| judgement.observed),
            self.count(|judgement| judgement.inferred),
            self.count(|judgement| judgement.misleading)
        )
    }

    fn count(&self, what: impl Fn(&Judgement) -> bool) -> usize {
        self.rows.iter().filter(|row| what(&row.judgement)).count()
    }

    /// The table for docs/evidence/MATRIX.md.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::from("| what is broken | probe | found |\n|---|---|---|\n");
        let mut last = "";
        for row in &self.rows {
            let sentence = if row.scenario == last { "" } else { row.sentence.as_str() };
            last = &row.scenario;
            let found = if row.judgement.observed && row.judgement.inferred {
                row.found.clone()
            } else {
                format!("{} (expected {})", row.found, row.expected)
            };
            text += &format!(
                "| {} | `{}` | {} |\n",
                cell(sentence),
                cell(&row.run.replace("--timeout 5 ", "")),
                cell(&found)
            );
        }
        text + "\n" + &self.summary() + "\n"
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn next(waiting: &Mutex<VecDeque<Scenario>>) -> Option<Scenario> {
    waiting.lock().ok()?.pop_front()
}

/// Runs a scenario's probes in a process of its own, which ends with this one whatever ends it.
fn run_apart(name: &str, senses: &str) -> io::Result<Vec<Found>> {
    let own = std::env::current_exe()?;
    let mut command = ends_with_parent(std::path::Path::new("timeout"));
    command.args(["-s", "KILL", PATIENCE_S]).arg(own).args(["probe", name]).stdin(Stdio::null());
    if !senses.is_empty() {
        command.env("NETCHECK_BLIND", senses);
    }
    let output = command.output()?;
    if !output.status.success() {
        let error_text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(io::Error::other(format!("{}: {error_text}", output.status)));
    }
    serde_json::from_slice(&output.stdout).map_err(io::Error::other)
}

fn judge(scenario: &Scenario, found: io::Result<Vec<Found>>) -> Vec<Row> {
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let error_text = error.to_string();
            scenario
                .probes
                .iter()
                .map(|_| Found { records: Vec::new(), error_text: error_text.clone() })
                .collect()
        }
    };
    scenario.probes.iter().zip(found).map(|(probe, found)| row(scenario, probe, &found)).collect()
}

/// The least right of a probe's records stands for it.
fn row(scenario: &Scenario, probe: &Probe, found: &Found) -> Row {
    let nothing = Judgement { observed: false, inferred: false, misleading: false };
    let worst = found
        .records
        .iter()
        .map(Said::by)
        .map(|said| (said.judge(probe), said))
        .min_by_key(|(judgement, _)| (!judgement.misleading, judgement.observed, judgement.inferred));
    let (judgement, said) = match worst {
        Some((judgement, said)) => (judgement, said.words()),
        None => (nothing, format!("no record: {}", found.error_text)),
    };
    Row {
        scenario: scenario.name.clone(),
        sentence: scenario.sentence.clone(),
        run: probe.run.clone(),
        expected: probe.words(),
        found: said,
        judgement,
        unfounded: found.records.iter().find_map(|record| Said::by(record).unfounded(probe)),
    }
}

fn tell(out: &mut impl Write, row: &Row) -> io::Result<()> {
    let mark = match row.judgement {
        Judgement { misleading: true, .. } => "WRONG",
        Judgement { observed: false, .. } => "FAIL",
        Judgement { inferred: false, .. } => "cause",
        _ => "ok",
    };
    writeln!(out, "{mark:<5} {:<26} {}", row.scenario, row.run)?;
    if mark == "ok" {
        return Ok(());
    }
    writeln!(out, "      expected {}\n      found    {}", row.expected, row.found)
}
