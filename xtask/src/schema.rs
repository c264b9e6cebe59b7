//! `cargo xtask schema`: the formats as JSON Schema, and the list of codes, generated from the types.

use std::fs;
use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::codes;
use crate::workspace::{cargo, root, say};

/// Write docs/record.schema.json, docs/profile.schema.json, docs/report.schema.json and docs/CODES.md
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// Only say whether they are up to date
    #[arg(long)]
    check: bool,
    /// First choose the examples of docs/CODES.md from this file of records (NETCHECK_KEEP_RECORDS of the tests)
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    examples: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be written, or with `--check` one that is out of date.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    if args.check {
        return check();
    }
    if let Some(records) = &args.examples {
        codes::choose(records)?;
    }
    for (name, generate) in GENERATED {
        fs::write(root().join(name), generate()?).map_err(|why| format!("{name}: {why}"))?;
        say(&format!("wrote {name}"));
    }
    Ok(())
}

/// Whether the files say what the types say.
///
/// # Errors
/// The first one that does not.
pub(crate) fn check() -> Result<(), String> {
    for (name, generate) in GENERATED {
        if fs::read_to_string(root().join(name)).unwrap_or_default() != generate()? {
            return Err(format!("{name} is out of date: run `cargo xtask schema`"));
        }
    }
    say("schemas and codes are up to date");
    Ok(())
}

/// What makes the text of a file.
type Generate = fn() -> Result<String, String>;

/// Each file and what makes its text. The codes come last: a new code has its schema before it has an example.
const GENERATED: [(&str, Generate); 4] = [
    ("docs/record.schema.json", record_schema),
    ("docs/profile.schema.json", || Ok(netcheck::profile_schema())),
    ("docs/report.schema.json", || Ok(netcheck::report_schema())),
    ("docs/CODES.md", codes::page),
];

/// The schema of a record, printed by an example of the crate that holds every tool: the tools' facts are theirs.
fn record_schema() -> Result<String, String> {
    say("asking the tools for their facts");
    let example = ["run", "--quiet", "--locked", "--package", "netcheck-all", "--example", "record-schema"];
    let output = cargo().args(example).output().map_err(|why| format!("cargo: {why}"))?;
    if !output.status.success() {
        return Err(format!("the schema of the record: {}", String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|why| format!("the schema of the record: {why}"))
}
