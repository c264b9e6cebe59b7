//! A scenario: what is broken, and what must be found (`scenarios/*.toml`).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::faults::{Answers, Engine, Inline, Middlebox, Proxy, Rules};
use super::internet::World;
use super::options::Options;

/// One scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The file's name without its ending.
    #[serde(skip)]
    pub name: String,
    /// What is broken, in a sentence.
    pub sentence: String,
    /// How many faults that is; see [`Scenario::faults`].
    #[serde(default, rename = "faults")]
    planted: Option<usize>,
    /// The causes that hold here, for a series of whole runs: to be sure of any other is wrong.
    pub true_causes: Option<Vec<String>>,
    /// The world it is broken in.
    #[serde(default)]
    pub world: Options,
    /// Packet rules at a place.
    #[serde(default, rename = "rules")]
    pub rules: Vec<Rules>,
    /// What the client's resolver does.
    #[serde(default)]
    pub dns: Answers,
    /// Devices that end connections in the service's place.
    #[serde(default, rename = "middlebox")]
    pub middleboxes: Vec<Middlebox>,
    /// Devices that look at packets as they pass.
    #[serde(default, rename = "inline")]
    pub inlines: Vec<Inline>,
    /// A filter that others wrote, in the path of TLS.
    pub engine: Option<Engine>,
    /// A proxy at hop 1.
    pub proxy: Option<Proxy>,
    /// What the client's commands find in their environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What is run, and what it must find.
    #[serde(default, rename = "probe")]
    pub probes: Vec<Probe>,
}

/// One run of a tool.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The command, without the flags every probe gets.
    pub run: String,
    /// What every record of the run must say.
    pub verdict: String,
    /// The failure code; none on `pass`.
    pub failure: Option<String>,
    /// The cause.
    pub cause: Option<String>,
    /// Whom to ask.
    pub who: Option<String>,
    /// Where it is; `none` where nobody can tell.
    pub near: Option<String>,
    /// From here two causes look alike: to be sure of either is wrong.
    #[serde(default)]
    pub unsure: bool,
    /// What this run finds in its environment besides the scenario's.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

impl Scenario {
    /// Reads one scenario.
    ///
    /// # Errors
    /// There is none of this name, or its file is wrong.
    pub fn read(name: &str) -> io::Result<Scenario> {
        let file = folder()?.join(format!("{name}.toml"));
        let text = fs::read_to_string(&file).map_err(|error| wrong(&file, &error))?;
        let mut scenario: Scenario = toml::from_str(&text).map_err(|error| wrong(&file, &error))?;
        name.clone_into(&mut scenario.name);
        Ok(scenario)
    }

    /// How many faults are planted: one, and none in a healthy network, where the file does not say otherwise.
    #[must_use]
    pub fn faults(&self) -> usize {
        self.planted.unwrap_or(usize::from(!self.name.starts_with("healthy")))
    }

    /// The names of all scenarios, the healthy ones first.
    ///
    /// # Errors
    /// Their folder cannot be read.
    pub fn names() -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder()?)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "toml")
                && let Some(stem) = path.file_stem()
            {
                names.push(stem.to_string_lossy().into_owned());
            }
        }
        names.sort_by_key(|name| (!name.starts_with("healthy"), name.clone()));
        Ok(names)
    }
}

fn wrong(file: &Path, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", file.display()))
}

/// The folder of the scenarios: in the sources, or where the environment says.
fn folder() -> io::Result<PathBuf> {
    if let Some(folder) = std::env::var_os("NETCHECK_SCENARIOS") {
        return Ok(folder.into());
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    if folder.is_dir() {
        return Ok(folder);
    }
    Err(io::Error::other(
        "the scenarios are not where they were built; set NETCHECK_SCENARIOS to their folder",
    ))
}

impl World {
    /// Breaks what the scenario says.
    ///
    /// # Errors
    /// A fault cannot be put in place.
    pub fn break_as(&mut self, scenario: &Scenario) -> io::Result<()> {
        scenario.dns.place(self)?;
        for (number, inline) in (1..).zip(&scenario.inlines) {
            inline.place(self, number)?;
        }
        for (number, middlebox) in scenario.middleboxes.iter().enumerate() {
            middlebox.place(self, number)?;
        }
        if let Some(engine) = &scenario.engine {
            engine.place(self)?;
        }
        if let Some(proxy) = &scenario.proxy {
            proxy.place(self)?;
        }
        scenario.rules.iter().try_for_each(|rules| rules.place(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_can_be_read_and_says_what_must_be_found() {
        let names = Scenario::names().unwrap();
        assert!(names.len() > 50, "{names:?}");
        for name in &names {
            let scenario = Scenario::read(name).unwrap();
            assert!(!scenario.probes.is_empty(), "{name}");
            assert!(scenario.sentence.ends_with('.'), "{name}");
        }
    }

    #[test]
    fn the_page_of_kinds_names_only_scenarios_that_are_there() {
        let names = Scenario::names().unwrap();
        let page = include_str!("../../../docs/evidence/KINDS.md");
        let rows = page.lines().filter(|line| line.starts_with("| ")).skip(1);
        let cells =
            rows.flat_map(|row| row.split('|').skip(3).take(2)).flat_map(|cell| cell.split([',', ';', ':']));
        let words = cells.filter_map(|part| part.split_whitespace().next());
        let unknown: Vec<&str> = words
            .filter(|word| {
                word.contains('-') && !word.starts_with('`') && !names.iter().any(|name| name == word)
            })
            .collect();
        assert_eq!(unknown, Vec::<&str>::new());
    }

    #[test]
    fn nothing_is_found_where_nothing_is_broken() {
        for name in Scenario::names().unwrap().iter().filter(|name| name.starts_with("healthy")) {
            for probe in Scenario::read(name).unwrap().probes {
                assert_eq!(
                    (probe.verdict.as_str(), probe.failure, probe.cause),
                    ("pass", None, None),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn a_failure_is_expected_with_its_cause() {
        for name in Scenario::names().unwrap() {
            for probe in Scenario::read(&name).unwrap().probes.iter().filter(|probe| probe.verdict != "pass")
            {
                assert!(probe.failure.is_some() && probe.cause.is_some(), "{name}: {}", probe.run);
            }
        }
    }
}
