//! docs/CODES.md: every failure and cause code, from the doc comments of the types and from records of the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use netcheck_record::cause::Reason;
use netcheck_record::failure::Code;
use netcheck_record::record::Record;
use serde_json::Value;

use crate::workspace::root;

/// One record for each code, chosen from what the tools printed in tests and in the lab.
const EXAMPLES: &str = "docs/evidence/examples.jsonl";
/// Facts of more bytes are left out of an example: they are whole in [`EXAMPLES`].
const LONGEST_FACTS: usize = 300;

const OPENING: &str = "# The codes

Generated from the doc comments of `netcheck-record/src/code.rs` and `cause.rs` (`cargo xtask schema`). A **failure** is what was
observed; a **cause** is what was inferred from it (docs/DIAGNOSIS.md). The examples are records that tests and the lab produced;
long `facts` are left out here and complete in `docs/evidence/examples.jsonl`.
";

/// What a doc comment says of one code.
struct Entry {
    code: &'static str,
    meaning: String,
    seen: String,
    not: String,
    acts: String,
}

impl Entry {
    /// Reads a doc comment: a sentence, then the items `Seen`, `Not` and `Acts`.
    fn read(code: &'static str, doc: &str) -> Result<Entry, String> {
        let lines: Vec<&str> = doc.lines().map(str::trim).collect();
        let [meaning, seen, not, acts] = lines[..] else {
            return Err(format!("{code}: its doc comment is not one sentence and three items"));
        };
        let item = |line: &str, name: &str| {
            let text = line.strip_prefix("- ").and_then(|line| line.strip_prefix(name)?.strip_prefix(": "));
            text.map(str::to_owned)
                .ok_or_else(|| format!("{code}: \"{line}\" does not begin with \"- {name}: \""))
        };
        let (seen, not, acts) = (item(seen, "Seen")?, item(not, "Not")?, item(acts, "Acts")?);
        Ok(Entry { code, meaning: meaning.to_owned(), seen, not, acts })
    }

    fn write(&self, page: &mut String, example: &Value) {
        let Entry { code, meaning, seen, not, acts } = self;
        let _ = write!(
            page,
            "\n### `{code}`\n\n{meaning}\n\n- **Seen:** {seen}\n- **Not:** {not}\n- **Acts:** {acts}\n\n```json\n{}\n```\n",
            shown(example)
        );
    }
}

/// The page.
///
/// # Errors
/// A doc comment that lacks a part, or a code without an example.
pub(crate) fn page() -> Result<String, String> {
    let text = fs::read_to_string(root().join(EXAMPLES)).map_err(|why| format!("{EXAMPLES}: {why}"))?;
    let examples = by_code(records(&text)?);
    let mut page = OPENING.to_owned();
    page.push_str("\n## Failures\n");
    for code in Code::ALL {
        write_one(&mut page, Entry::read(code.as_str(), code.doc())?, "/failure/code", &examples)?;
    }
    page.push_str("\n## Causes\n");
    for reason in Reason::ALL {
        write_one(&mut page, Entry::read(reason.as_str(), reason.doc())?, "/cause/code", &examples)?;
    }
    Ok(page)
}

type Examples = BTreeMap<(&'static str, String), Vec<Value>>;

fn write_one(page: &mut String, entry: Entry, kind: &'static str, examples: &Examples) -> Result<(), String> {
    let found = examples.get(&(kind, entry.code.to_owned())).and_then(|found| found.first());
    let example = found.ok_or_else(|| format!("{EXAMPLES} has no record of {}", entry.code))?;
    entry.write(page, example);
    Ok(())
}

fn records(text: &str) -> Result<Vec<Value>, String> {
    let record = |(number, line): (usize, &str)| {
        let read: Result<Record, _> = serde_json::from_str(line);
        read.map_err(|why| format!("line {}: {why}", number + 1))?;
        serde_json::from_str(line).map_err(|why| format!("line {}: {why}", number + 1))
    };
    text.lines().enumerate().map(record).collect()
}

/// The records of each code, the plainest first.
fn by_code(records: Vec<Value>) -> Examples {
    let mut examples = Examples::new();
    for record in records {
        for kind in ["/failure/code", "/cause/code"] {
            if let Some(code) = record.pointer(kind).and_then(Value::as_str) {
                examples.entry((kind, code.to_owned())).or_default().push(record.clone());
            }
        }
    }
    examples.values_mut().for_each(|found| found.sort_by_cached_key(example_order));
    examples
}

/// Records with a name, a cause, sure of it, and little text come first.
fn example_order(record: &Value) -> (bool, bool, u8, usize, String) {
    let target = record["target"].as_str().unwrap_or_default();
    let loopback = ["127.0.0.1", "[::1]", "localhost"].iter().any(|host| target.contains(host));
    let confidence = match record.pointer("/cause/confidence").and_then(Value::as_str) {
        Some("high") => 0,
        Some("medium") => 1,
        _ => 2,
    };
    let text = shown(record);
    (loopback, record["cause"].is_null(), confidence, text.len(), text)
}

/// A record with one field of its own on each line, without its time and without long facts.
fn shown(record: &Value) -> String {
    let fields: Vec<String> = record
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, value)| name.as_str() != "facts" || value.to_string().len() <= LONGEST_FACTS)
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", fields.join(",\n "))
}

/// Chooses one record for each code out of many and keeps them as the examples.
///
/// # Errors
/// The file cannot be read, or the examples cannot be written.
pub(crate) fn choose(from: &Path) -> Result<(), String> {
    let text = fs::read_to_string(from).map_err(|why| format!("{}: {why}", from.display()))?;
    let examples = by_code(records(&text)?);
    let chosen: BTreeSet<String> =
        examples.values().filter_map(|found| found.first()).map(Value::to_string).collect();
    let lines: String = chosen.into_iter().map(|line| line + "\n").collect();
    fs::write(root().join(EXAMPLES), lines).map_err(|why| format!("{EXAMPLES}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_the_doc_comments_and_examples_say() {
        let written = fs::read_to_string(root().join("docs/CODES.md")).unwrap_or_default();
        assert_eq!(page(), Ok(written), "run `cargo xtask schema`");
    }

    #[test]
    fn every_example_satisfies_the_published_schema() {
        let text = fs::read_to_string(root().join(EXAMPLES)).unwrap_or_default();
        let examples = records(&text).unwrap_or_default();
        assert!(examples.len() > 100, "{} examples", examples.len());
        for example in examples {
            assert_eq!(netcheck_lab::records::faults(&example), [""; 0], "{example}");
        }
    }

    #[test]
    fn a_doc_comment_without_its_three_items_is_refused() {
        let whole = " It failed.\n - Seen: Nothing.\n - Not: `a.b`.\n - Acts: Nobody.\n";
        assert_eq!(Entry::read("a.c", whole).map(|entry| entry.acts), Ok("Nobody.".to_owned()));
        let partial = Entry::read("a.c", " It failed.\n - Seen: Nothing.\n - Not: `a.b`.\n").map(|_| ());
        assert_eq!(partial, Err("a.c: its doc comment is not one sentence and three items".to_owned()));
    }
}
