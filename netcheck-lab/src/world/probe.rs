//! Runs a scenario's probes with the real tools, and holds what they found against what they must find.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::records;

use super::internet::{FILES, World};
use super::scenario::{Probe, Scenario};

/// A tool that lasts longer has hung, whatever its own bounds say.
const PATIENCE_S: &str = "45";

/// What one probe found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Found {
    /// Its records.
    pub records: Vec<Value>,
    /// What the tool said besides.
    pub error_text: String,
}

/// What one record says, as far as it is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The verdict.
    pub verdict: String,
    /// The failure code.
    pub failure: Option<String>,
    /// The cause.
    pub cause: Option<String>,
    /// How sure it is.
    pub confidence: Option<String>,
    /// Whom to ask.
    pub who: Option<String>,
    /// Where it is.
    pub near: Option<String>,
}

/// What a record says that nothing supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfounded {
    /// A cause that is wrong and claims to be sure.
    Sure,
    /// A refusal that is ascribed to the service, where something else refused.
    Idle,
    /// A fault of a target that works.
    Alarm,
}

/// How far a record is what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Verdict and failure code are right.
    pub observed: bool,
    /// Cause, and whom and where as far as expected, are right.
    pub inferred: bool,
    /// A cause that is wrong and claims to be sure.
    pub misleading: bool,
}

/// Builds the scenario's world and runs all its probes at once.
///
/// # Errors
/// The world cannot be built.
pub fn run(scenario: &Scenario) -> io::Result<Vec<Found>> {
    let mut world = World::build(&scenario.world)?;
    world.break_as(scenario)?;
    let tools = tools()?;
    let world = &world;
    let found = thread::scope(|scope| {
        let runs: Vec<_> = scenario
            .probes
            .iter()
            .map(|probe| scope.spawn(|| world.client(&mut command(&tools, probe, scenario))))
            .collect();
        runs.into_iter()
            .map(|run| run.join().unwrap_or_else(|_| Err(io::Error::other("the run panicked"))))
            .collect::<Vec<_>>()
    });
    Ok(found.into_iter().map(read).collect())
}

/// The folder of the tools: where this program is, unless the environment names another. Tests are a folder deeper.
///
/// # Errors
/// This program's own place is not known.
pub fn tools() -> io::Result<PathBuf> {
    if let Some(folder) = std::env::var_os("NETCHECK_TOOLS") {
        return Ok(folder.into());
    }
    let own = std::env::current_exe()?;
    let folder = own.parent().filter(|folder| !folder.ends_with("deps")).or_else(|| own.parent()?.parent());
    Ok(folder.map(Path::to_path_buf).unwrap_or_default())
}

/// Every tool is told the lab's roots; two seconds of silence are enough where a round trip takes a millisecond.
fn command(tools: &Path, probe: &Probe, scenario: &Scenario) -> Command {
    let mut words = probe.run.split_whitespace();
    let program = words.next().unwrap_or_default();
    let mut command = Command::new("timeout");
    command
        .args(["-s", "KILL", PATIENCE_S])
        .arg(tools.join(program))
        .args(words)
        .args(["--public-roots", &format!("{FILES}/roots.pem")]);
    if program == "check-push" {
        command.args(["--apple-roots", &format!("{FILES}/apple.pem")]);
    }
    if !probe.run.contains("--timeout") {
        command.args(["--timeout", "2"]);
    }
    command.envs(&scenario.env).envs(&probe.env);
    command
}

fn read(output: io::Result<std::process::Output>) -> Found {
    match output {
        Ok(output) => {
            let lines = String::from_utf8_lossy(&output.stdout);
            let printed: Vec<Value> =
                lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            records::accept(&printed);
            let error_text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Found { records: printed, error_text }
        }
        Err(error) => Found { records: Vec::new(), error_text: error.to_string() },
    }
}

impl Said {
    /// What a record says.
    #[must_use]
    pub fn by(record: &Value) -> Said {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Said {
            verdict: text("/verdict").unwrap_or_default(),
            failure: text("/failure/code"),
            cause: text("/cause/code"),
            confidence: text("/cause/confidence"),
            who: text("/cause/who"),
            near: text("/cause/near"),
        }
    }

    /// Holds this against what it must be. An expectation may name alternatives: `unknown|firewall_drop`.
    #[must_use]
    pub fn judge(&self, probe: &Probe) -> Judgement {
        let cause = among(probe.cause.as_deref(), self.cause.as_deref());
        let place = probe.near.is_none() || among(probe.near.as_deref(), self.near.as_deref());
        let who = probe.who.is_none() || probe.who == self.who;
        Judgement {
            observed: among(Some(&probe.verdict), Some(&self.verdict))
                && among(probe.failure.as_deref(), self.failure.as_deref()),
            inferred: cause && place && who,
            misleading: self.confidence.as_deref() == Some("high") && (probe.unsure || !(cause && place)),
        }
    }

    /// What nothing supports, if anything.
    #[must_use]
    pub fn unfounded(&self, probe: &Probe) -> Option<Unfounded> {
        let idle =
            |cause: Option<&str>| cause.is_some_and(|cause| cause.split('|').any(|one| one == "port_idle"));
        if self.judge(probe).misleading {
            Some(Unfounded::Sure)
        } else if idle(self.cause.as_deref()) && !idle(probe.cause.as_deref()) {
            Some(Unfounded::Idle)
        } else if probe.verdict == "pass" && self.verdict != "pass" {
            Some(Unfounded::Alarm)
        } else {
            None
        }
    }

    /// In one line.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = vec![self.verdict.clone()];
        words.extend(self.failure.clone());
        words.extend(self.cause.clone());
        words.extend(self.confidence.as_ref().map(|confidence| format!("({confidence})")));
        words.extend(self.near.as_ref().map(|near| format!("@{near}")));
        words.join(" ")
    }
}

fn among(expected: Option<&str>, said: Option<&str>) -> bool {
    match (expected, said) {
        (None, None) => true,
        (Some(expected), Some(said)) => expected.split('|').any(|one| one == said),
        // Not knowing the cause may be said by leaving it out.
        (Some(expected), None) => expected.split('|').any(|one| one == "none"),
        (None, Some(_)) => false,
    }
}

impl Probe {
    /// What it must find, in one line.
    #[must_use]
    pub fn words(&self) -> String {
        Said {
            verdict: self.verdict.clone(),
            failure: self.failure.clone(),
            cause: self.cause.clone(),
            confidence: None,
            who: None,
            near: self.near.clone(),
        }
        .words()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(text: &str) -> Probe {
        toml::from_str(text).unwrap()
    }

    fn said(text: &str) -> Said {
        Said::by(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_sure_cause_that_is_wrong_is_misleading() {
        let probe = probe("run='x'\nverdict='fail'\nfailure='tcp.timeout'\ncause='firewall_drop'");
        let said = said(
            r#"{"verdict":"fail","failure":{"code":"tcp.timeout"},"cause":{"code":"offline","confidence":"high"}}"#,
        );
        assert_eq!(said.judge(&probe), Judgement { observed: true, inferred: false, misleading: true });
    }

    #[test]
    fn a_refusal_by_a_firewall_is_not_the_services() {
        let refused = probe("run='x'\nverdict='fail'\nfailure='tcp.refused'\ncause='firewall_reject'");
        let idle = said(
            r#"{"verdict":"degraded","failure":{"code":"tcp.refused"},"cause":{"code":"port_idle","confidence":"low"}}"#,
        );
        assert_eq!(idle.unfounded(&refused), Some(Unfounded::Idle));
        let works = probe("run='x'\nverdict='pass'");
        assert_eq!(idle.unfounded(&works), Some(Unfounded::Idle));
        assert_eq!(said(r#"{"verdict":"fail"}"#).unfounded(&works), Some(Unfounded::Alarm));
        assert_eq!(said(r#"{"verdict":"fail"}"#).unfounded(&refused), None);
    }

    #[test]
    fn to_be_sure_where_nobody_can_be_is_misleading() {
        let probe =
            probe("run='x'\nverdict='fail'\nfailure='tcp.timeout'\ncause='firewall_drop'\nunsure=true");
        let sure = r#"{"verdict":"fail","failure":{"code":"tcp.timeout"},"cause":{"code":"firewall_drop","confidence":"high"}}"#;
        assert!(said(sure).judge(&probe).misleading);
        assert!(!said(&sure.replace("high", "low")).judge(&probe).misleading);
    }

    #[test]
    fn alternatives_and_leaving_out_are_accepted_where_the_scenario_says_so() {
        let probe = probe("run='x'\nverdict='fail'\nfailure='tcp.timeout'\ncause='none|unknown'");
        let silent = said(r#"{"verdict":"fail","failure":{"code":"tcp.timeout"}}"#);
        assert_eq!(silent.judge(&probe), Judgement { observed: true, inferred: true, misleading: false });
        let wrong = said(r#"{"verdict":"pass"}"#);
        assert!(!wrong.judge(&probe).observed);
    }
}
