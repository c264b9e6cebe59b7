//! JUnit XML: one suite per requirement, with the one verdict that every form gives.

use std::fmt::Write;

use super::Subject;
use super::xml::Text;
use crate::assess::{Requirement, Status};

/// The document.
pub(super) fn text(subject: &Subject) -> String {
    let report = &subject.assessment.report;
    let mut suites: String = report.requirements.iter().map(|one| suite(one, subject)).collect();
    if !report.run.problems.is_empty() {
        suites.insert_str(0, &incomplete(&report.run.problems.join(" ")));
    }
    let name = Text(&subject.profile.name);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{name}\">\n{suites}</testsuites>\n"
    )
}

/// A report that is not whole fails first of all.
fn incomplete(problems: &str) -> String {
    format!(
        "  <testsuite name=\"run\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n    \
         <testcase classname=\"run\" name=\"complete\"><error message=\"{}\"/></testcase>\n  </testsuite>\n",
        Text(problems)
    )
}

fn suite(requirement: &Requirement, subject: &Subject) -> String {
    let (failures, errors, skipped) = match (requirement.required, requirement.status) {
        (false, _) => (0, 0, 1),
        (true, Status::DoesNotWork) => (1, 0, 0),
        (true, Status::NotKnown) => (0, 1, 0),
        (true, Status::Works | Status::Limited) => (0, 0, 0),
    };
    let name = Text(&requirement.name);
    format!(
        "  <testsuite name=\"{name}\" tests=\"1\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">\n    \
         <testcase classname=\"{name}\" name=\"{name}\">{}</testcase>\n  </testsuite>\n",
        outcome(requirement, subject)
    )
}

fn outcome(requirement: &Requirement, subject: &Subject) -> String {
    let mut message = requirement.status.as_str().to_owned();
    if !requirement.limits.is_empty() {
        let _ = write!(message, ": {}", requirement.limits.join("; "));
    }
    let report = &subject.assessment.report;
    let found: Vec<&str> = requirement
        .findings
        .iter()
        .filter_map(|id| report.finding(id))
        .map(|finding| finding.summary.as_str())
        .collect();
    let found = found.join(" ");
    let (message, found) = (Text(&message), Text(&found));
    match (requirement.required, requirement.status) {
        (false, _) => format!("<skipped message=\"advisory: {message}\"/>"),
        (true, Status::Works) => String::new(),
        (true, Status::Limited) => format!("<system-out>{message} {found}</system-out>"),
        (true, Status::DoesNotWork) => format!("<failure message=\"{message}\">{found}</failure>"),
        (true, Status::NotKnown) => format!("<error message=\"{message}\">{found}</error>"),
    }
}
