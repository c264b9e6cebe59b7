//! The published schema of records, which every record of a test has to satisfy.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

/// Names a file that the records of every test are appended to: the examples of docs/CODES.md are chosen from it.
const KEEP: &str = "NETCHECK_KEEP_RECORDS";

static RECORD: LazyLock<Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(include_str!("../../docs/record.schema.json")).unwrap();
    jsonschema::validator_for(&schema).unwrap()
});

/// What of a record docs/record.schema.json does not allow, one line for each fault; nothing where it is valid.
#[must_use]
pub fn faults(record: &Value) -> Vec<String> {
    RECORD.iter_errors(record).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

/// Takes what a tool printed: its records have to satisfy the schema; other lines (of a run, of a report) pass.
pub(crate) fn accept(printed: &[Value]) {
    let records: Vec<&Value> = printed.iter().filter(|line| line["facts"].is_object()).collect();
    for record in &records {
        assert_eq!(faults(record), [""; 0], "docs/record.schema.json forbids {record}");
    }
    if let Some(path) = std::env::var_os(KEEP) {
        let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
        // One write, because tests run beside each other.
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(lines.as_bytes()).unwrap();
    }
}
