//! The workspace: where it is, what is in it, and how its tools are built.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use netcheck::Tools;

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let own = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.parent().map_or_else(|| own.clone(), Path::to_path_buf)
}

/// Cargo, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    cargo.current_dir(root());
    cargo
}

/// Runs a step and says which: what a step prints is shown as it comes.
///
/// # Errors
/// It cannot be started, or it failed.
pub(crate) fn step(name: &str, command: &mut Command) -> Result<(), String> {
    say(name);
    let status = command.status().map_err(|why| format!("{name}: {why}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name}: {status}")) }
}

/// What a program prints on standard output.
///
/// # Errors
/// It cannot be started, it failed, or it prints no text.
pub(crate) fn output_of(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output();
    let output = output.map_err(|why| format!("{program}: {why}"))?;
    if !output.status.success() {
        return Err(format!("{program}: {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{program} printed no text"))
}

/// One line of progress.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "xtask: {line}");
}

/// The crates of the tools that the workspace has.
pub(crate) fn crates() -> Vec<&'static str> {
    let there = |tool: &&'static str| root().join(format!("check-{tool}/Cargo.toml")).is_file();
    netcheck::tool_names().into_iter().filter(there).collect()
}

/// The tools, built if they are not: one call of cargo, with a profile that compiles quickly.
///
/// # Errors
/// The build failed.
pub(crate) fn tools() -> Result<Tools, String> {
    let there = crates();
    say("building the tools (the first time takes minutes, later ones seconds)");
    let programs = build(&there.iter().map(|tool| format!("check-{tool}")).collect::<Vec<_>>())?;
    let named = |tool: &&'static str| Some((*tool, programs.get(&format!("check-{tool}"))?.clone()));
    Ok(there.iter().filter_map(named).collect())
}

/// Builds packages and tells where their programs are, by name.
///
/// # Errors
/// The build failed.
pub(crate) fn build(packages: &[String]) -> Result<BTreeMap<String, PathBuf>, String> {
    let mut programs = BTreeMap::new();
    if packages.is_empty() {
        return Ok(programs);
    }
    let mut cargo = cargo();
    cargo.args([
        "build",
        "--profile",
        "quick",
        "--locked",
        "--bins",
        "--message-format=json-render-diagnostics",
    ]);
    packages.iter().for_each(|package| {
        cargo.args(["--package", package]);
    });
    let mut cargo =
        cargo.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().map_err(|why| format!("cargo: {why}"))?;
    if let Some(stdout) = cargo.stdout.take() {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
            if let (Some(name), Some(program)) =
                (message["target"]["name"].as_str(), message["executable"].as_str())
            {
                programs.insert(name.to_owned(), PathBuf::from(program));
            }
        }
    }
    let status = cargo.wait().map_err(|why| format!("cargo: {why}"))?;
    if status.success() { Ok(programs) } else { Err(format!("the programs could not be built ({status})")) }
}
