//! JUnit XML: a suite a row, a case a target.

use std::fmt::Write;

use netcheck_record::record::{Record, Verdict};

use super::Subject;
use super::xml::Text;
use crate::standing::{self, Standing};

/// The document.
pub(super) fn text(subject: &Subject) -> String {
    let suites: Vec<String> = subject.survey.standings.iter().map(suite).collect();
    let name = Text(&subject.profile.name);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{name}\">\n{}</testsuites>\n",
        suites.concat()
    )
}

fn suite(row: &Standing) -> String {
    let mut cases = String::new();
    let (mut failures, mut errors, mut skipped) = (0, 0, 0);
    for record in &row.records {
        let advisory = !record.required();
        match record.verdict {
            Verdict::Fail if advisory => skipped += 1,
            Verdict::Fail => failures += 1,
            Verdict::Inconclusive if advisory => skipped += 1,
            Verdict::Inconclusive => errors += 1,
            Verdict::Pass | Verdict::Degraded => {}
        }
        case(&mut cases, row, record);
    }
    if row.records.is_empty() {
        skipped += 1;
        let name = Text(&row.name);
        let _ = writeln!(
            cases,
            "    <testcase classname=\"{name}\" name=\"{name}\"><skipped message=\"not checked\"/></testcase>"
        );
    }
    let tests = row.records.len().max(1);
    format!(
        "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">\n\
         {cases}  </testsuite>\n",
        Text(&row.name)
    )
}

fn case(out: &mut String, row: &Standing, record: &Record) {
    #[expect(clippy::cast_precision_loss, reason = "microseconds below 2^53: 285 years")]
    let seconds = record.stages.iter().map(|stage| stage.us as f64 / 1e6).sum::<f64>();
    let (name, class) = (Text(&record.target), Text(&row.name));
    let _ = write!(out, "    <testcase classname=\"{class}\" name=\"{name}\" time=\"{seconds:.6}\"");
    let detail = record.failure.as_ref().map_or("", |failure| failure.detail.as_str());
    let fix = record.cause.as_ref().map_or("", |cause| cause.fix.as_str());
    let (message, fix) = (format!("{}: {detail}", standing::fate(record)), Text(fix));
    let message = Text(&message);
    let element = match (record.verdict, record.required()) {
        (Verdict::Pass, _) => {
            let _ = writeln!(out, "/>");
            return;
        }
        (Verdict::Degraded, _) => format!("<system-out>degraded: {message} {fix}</system-out>"),
        (_, false) => format!("<skipped message=\"advisory: {message}\"/>"),
        (Verdict::Fail, _) => format!("<failure message=\"{message}\">{fix}</failure>"),
        (Verdict::Inconclusive, _) => format!("<error message=\"{message}\">{fix}</error>"),
    };
    let _ = writeln!(out, ">{element}</testcase>");
}
