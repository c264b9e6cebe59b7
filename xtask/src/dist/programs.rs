//! The programs that ship: static, the same bytes wherever they are built, all in one build.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;
use serde_json::Value;

use super::target::{self, Target};
use crate::workspace::{self, cargo, root, say, step};

/// The product's program.
pub(crate) const NETCHECK: &str = "netcheck";
/// Every tool in one program; in an image it is `netcheck`, and the tools are links to it.
pub(crate) const WHOLE: &str = "netcheck-all";

/// How much the compiler does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// What ships: small, slow to build
    Dist,
    /// For trying out: large, quick to build
    Quick,
}

impl Profile {
    /// Cargo's name for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Profile::Dist => "dist",
            Profile::Quick => "quick",
        }
    }
}

/// The names of all programs, the orchestrator first.
pub(crate) fn names() -> Vec<String> {
    let tools = workspace::crates().into_iter().map(|tool| format!("check-{tool}"));
    [NETCHECK.to_owned()].into_iter().chain(tools).collect()
}

/// Builds all of them, and [`WHOLE`], and tells where each is.
///
/// They are always built together: which features a dependency has, and so the bytes, depends on who else needs it.
///
/// # Errors
/// The build failed.
pub(crate) fn build(profile: Profile, target: Target) -> Result<BTreeMap<String, PathBuf>, String> {
    let auditable = auditable();
    if !auditable {
        let lacks = "cargo-auditable is not installed: the programs will not carry the list of their crates";
        if env::var_os("CI").is_some() {
            return Err(lacks.to_owned());
        }
        say(lacks);
    }
    all(profile, target, auditable, &[])
}

/// Builds programs for this machine that write their own manual instead of doing their work, and tells where each is.
/// What [`build`] makes of the same profile takes their place.
///
/// # Errors
/// The build failed.
pub(crate) fn manuals() -> Result<BTreeMap<String, PathBuf>, String> {
    all(Profile::Quick, target::native(), false, &["--features", "netcheck-common/manual,netcheck/manual"])
}

fn all(
    profile: Profile,
    target: Target,
    auditable: bool,
    extra: &[&str],
) -> Result<BTreeMap<String, PathBuf>, String> {
    let folder = target_folder()?;
    let mut tools = compiler(profile, target, &folder, auditable)?;
    tools.args(["--bins", "--package", WHOLE, "--package", NETCHECK]).args(extra);
    workspace::crates().iter().for_each(|tool| {
        tools.args(["--package", &format!("check-{tool}")]);
    });
    step(&format!("building the tools for {}", target.as_str()), &mut tools)?;
    let built = folder.join(target.as_str()).join(profile.as_str());
    Ok(names()
        .into_iter()
        .chain([WHOLE.to_owned()])
        .map(|name| (name.clone(), built.join(name + target.suffix())))
        .collect())
}

/// `--target` is required: without it the flags would reach build scripts and macros, which cannot be static.
fn compiler(profile: Profile, target: Target, folder: &Path, auditable: bool) -> Result<Command, String> {
    let mut build = target.build(auditable)?;
    build.args(["--profile", profile.as_str(), "--target-dir"]);
    build
        .arg(folder)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(target, folder).join("\u{1f}"))
        .env_remove("RUSTFLAGS");
    // C of the cryptography: its paths are no one's business either.
    let maps = moved(folder).map(|(from, to)| format!("-ffile-prefix-map={from}={to}")).join(" ");
    build.env(target.c_flags(), maps);
    Ok(build)
}

/// Where this machine keeps things, and what the programs say instead; the most particular last.
fn moved(folder: &Path) -> [(String, &'static str); 3] {
    let home = env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from).or(home).unwrap_or_default();
    [
        (cargo.display().to_string(), "/cargo"),
        (root().display().to_string(), "/netcheck"),
        (folder.display().to_string(), "/target"),
    ]
}

fn flags(target: Target, folder: &Path) -> Vec<String> {
    let mut flags: Vec<String> = target.flags().iter().map(|flag| (*flag).to_owned()).collect();
    flags.push("-Cstrip=symbols".to_owned());
    flags.extend(moved(folder).iter().map(|(from, to)| format!("--remap-path-prefix={from}={to}")));
    flags
}

fn auditable() -> bool {
    let mut asked = Command::new("cargo-auditable");
    asked.args(["auditable", "--help"]).stdout(Stdio::null()).stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}

/// Held while programs are built and read: those that write manuals and those that ship are built in one place.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn alone() -> Result<File, String> {
    let folder = target_folder()?;
    let path = folder.join("packing.lock");
    let locked = fs::create_dir_all(&folder).and_then(|()| File::create(&path)).and_then(|file| {
        file.lock()?;
        Ok(file)
    });
    locked.map_err(|why| format!("{}: {why}", path.display()))
}

/// Where cargo builds.
pub(crate) fn target_folder() -> Result<PathBuf, String> {
    let metadata = metadata(target::native(), &["--no-deps"])?;
    let folder = metadata["target_directory"].as_str().map(PathBuf::from);
    folder.ok_or_else(|| "cargo metadata names no target folder".into())
}

/// What cargo knows of the workspace, for one system.
///
/// # Errors
/// Cargo refuses.
pub(crate) fn metadata(target: Target, arguments: &[&str]) -> Result<Value, String> {
    let mut asked = cargo();
    asked.args(["metadata", "--format-version=1", "--locked", "--filter-platform", target.as_str()]);
    asked.args(arguments);
    let output = asked.stderr(Stdio::inherit()).output().map_err(|why| format!("cargo metadata: {why}"))?;
    serde_json::from_slice(&output.stdout).map_err(|_| "cargo metadata printed no JSON".to_owned())
}
