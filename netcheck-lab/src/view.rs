//! What tests compare of a record: one line of words, with `-` for what is absent.

use serde_json::Value;

use crate::tool::{Outcome, normal};

/// A record, or the outcome of a run that printed one.
pub trait OneRecord {
    /// The record.
    fn record(&self) -> &Value;
}

impl OneRecord for Value {
    fn record(&self) -> &Value {
        self
    }
}

impl OneRecord for Outcome {
    fn record(&self) -> &Value {
        self.one()
    }
}

/// The text at a JSON pointer, or `-`.
#[must_use]
pub fn word(record: &Value, pointer: &str) -> String {
    record.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned()
}

fn words(record: &Value, pointers: &[&str]) -> String {
    pointers.iter().map(|pointer| word(record, pointer)).collect::<Vec<_>>().join(" ")
}

/// `verdict failure`: what was observed.
#[must_use]
pub fn observed(of: &impl OneRecord) -> String {
    words(of.record(), &["/verdict", "/failure/code"])
}

/// `verdict failure cause`: what was observed, and what it was put down to.
#[must_use]
pub fn explained(of: &impl OneRecord) -> String {
    words(of.record(), &["/verdict", "/failure/code", "/cause/code"])
}

/// `verdict failure cause who`: the same, with who has to act.
#[must_use]
pub fn attributed(of: &impl OneRecord) -> String {
    words(of.record(), &["/verdict", "/failure/code", "/cause/code", "/cause/who"])
}

/// `verdict failure cause who confidence`: the same, with who has to act and how sure that is.
#[must_use]
pub fn diagnosed(of: &impl OneRecord) -> String {
    words(of.record(), &["/verdict", "/failure/code", "/cause/code", "/cause/who", "/cause/confidence"])
}

/// The stages in their order; one that failed has a `!` behind it.
#[must_use]
pub fn stages(of: &impl OneRecord) -> String {
    let stages = of.record()["stages"].as_array().into_iter().flatten();
    let one =
        |stage: &Value| format!("{}{}", word(stage, "/stage"), if stage["ok"] == true { "" } else { "!" });
    stages.map(one).collect::<Vec<_>>().join(" ")
}

/// `failure.detail`, with the ports of this run as `PORT`.
#[must_use]
pub fn failure_detail(of: &impl OneRecord) -> String {
    word(&normal(of.record()), "/failure/detail")
}

/// `cause.fix`, with the ports of this run as `PORT`.
#[must_use]
pub fn cause_fix(of: &impl OneRecord) -> String {
    word(&normal(of.record()), "/cause/fix")
}

/// `cause.evidence`, one piece on each line, with the ports of this run as `PORT`.
#[must_use]
pub fn cause_evidence(of: &impl OneRecord) -> String {
    let record = normal(of.record());
    let pieces = record["cause"]["evidence"].as_array().into_iter().flatten().filter_map(Value::as_str);
    pieces.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_one_line_and_what_is_absent_is_a_dash() {
        let record = json!({
            "verdict": "fail", "failure": {"code": "tls.reset"}, "cause": {"code": "sni_filter", "who": "network"},
            "stages": [{"stage": "dns", "ok": true}, {"stage": "tls", "ok": false}],
        });
        assert_eq!(observed(&record), "fail tls.reset");
        assert_eq!(explained(&record), "fail tls.reset sni_filter");
        assert_eq!(attributed(&record), "fail tls.reset sni_filter network");
        assert_eq!(diagnosed(&record), "fail tls.reset sni_filter network -");
        assert_eq!(stages(&record), "dns tls!");
    }
}
