//! A check in a network of the lab, and what its answer says.

use netcheck_lab::world::product::ProductRun;
use serde_json::Value;

/// A check and its answer.
pub struct Checked {
    /// The check.
    pub run: ProductRun,
    /// The answer, as programs read it.
    pub answer: Value,
}

/// Checks the built-in profile in a network.
pub fn check(scenario: &str, arguments: &[&str]) -> Checked {
    let run = ProductRun::check(scenario, arguments).unwrap();
    let answer = run.answer().unwrap();
    Checked { run, answer }
}

impl Checked {
    /// The first sentence.
    pub fn headline(&self) -> &str {
        self.answer["headline"].as_str().unwrap()
    }

    /// Cause and place of each finding.
    pub fn findings(&self) -> Vec<(&str, &str)> {
        let findings = self.answer["findings"].as_array().unwrap();
        findings
            .iter()
            .map(|finding| {
                (finding["cause"].as_str().unwrap_or_default(), finding["near"].as_str().unwrap_or_default())
            })
            .collect()
    }

    /// The requests.
    pub fn requests(&self) -> &[Value] {
        self.answer["requests"].as_array().unwrap()
    }

    /// The one request, whom it is for and what it says.
    pub fn request(&self) -> (&str, &str) {
        assert_eq!(self.requests().len(), 1, "{:#}", self.answer["requests"]);
        let request = &self.requests()[0];
        (request["to"].as_str().unwrap(), request["text"].as_str().unwrap())
    }

    /// The status of a requirement.
    pub fn status(&self, name: &str) -> &str {
        let requirements = self.answer["requirements"].as_array().unwrap();
        requirements.iter().find(|one| one["name"] == name).unwrap()["status"].as_str().unwrap()
    }

    /// The lines of the run's file.
    pub fn lines(&self) -> Vec<&str> {
        self.run.records.lines().collect()
    }
}
