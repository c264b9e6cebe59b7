//! `cargo xtask schema`: the formats as JSON Schema, generated from the types.

use std::fs;

use clap::Args as ClapArgs;
use netcheck_record::record::Record;

use crate::workspace::{root, say};

/// Write docs/record.schema.json, docs/profile.schema.json and docs/report.schema.json
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// Only say whether they are stale
    #[arg(long)]
    check: bool,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be written, or with `--check` one that is stale.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    if args.check {
        return check();
    }
    for (name, text) in schemas() {
        fs::write(root().join(name), text).map_err(|why| format!("{name}: {why}"))?;
        say(&format!("wrote {name}"));
    }
    Ok(())
}

/// Whether the files say what the types say.
///
/// # Errors
/// The first one that does not.
pub(crate) fn check() -> Result<(), String> {
    for (name, text) in schemas() {
        if fs::read_to_string(root().join(name)).unwrap_or_default() != text {
            return Err(format!("{name} is stale: run `cargo xtask schema`"));
        }
    }
    say("schemas are up to date");
    Ok(())
}

fn schemas() -> [(&'static str, String); 3] {
    [
        ("docs/record.schema.json", Record::schema()),
        ("docs/profile.schema.json", netcheck::profile_schema()),
        ("docs/report.schema.json", netcheck::report_schema()),
    ]
}
