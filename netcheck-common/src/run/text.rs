//! A record as a line: JSON for programs, words for people.

use netcheck_record::escape;
use netcheck_record::record::{Record, Verdict};

/// Appends one JSON object and a line end.
pub(super) fn json(record: &Record, text: &mut Vec<u8>) {
    // A record holds only strings, numbers and maps with string keys, so this cannot fail.
    let from = text.len();
    let _ = serde_json::to_writer(&mut *text, record);
    escape::json(text, from);
    text.push(b'\n');
}

/// One line for people. Everything in it that came from the network is made harmless again:
/// labels and facts pass through a record unchanged.
pub(super) fn line(record: &Record) -> String {
    let total: u64 = record.stages.iter().map(|stage| stage.us).sum();
    let mut line = format!("{:<12} {}", record.verdict.as_str(), escape::line(&record.target, 300));
    if record.verdict == Verdict::Pass || record.failure.is_none() {
        line.push_str(&format!("  {:.1} ms", total as f64 / 1000.0));
    }
    if let Some(failure) = &record.failure {
        line.push_str(&format!("  {}: {}", failure.code, escape::line(&failure.detail, 400)));
    }
    if let Some(cause) = &record.cause {
        let near = cause.near.map_or(String::new(), |near| format!(" at or after {near}"));
        let code = cause.code.as_str();
        line.push_str(&format!("  [{code}{near}] {}", escape::line(&cause.fix, 400)));
    }
    line.push('\n');
    line
}
