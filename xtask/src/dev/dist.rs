//! `cargo xtask dist`: the release folder, with static programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args as ClapArgs;

use super::workspace::{self, cargo, root, say, step};

/// `--target` is required: without it the flags would reach build scripts, which cannot be static.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// Without the second flag a program panics where /dev/random is missing: an empty container has none.
const FLAGS: &str = "-C target-feature=+crt-static --cfg getrandom_backend=\"linux_getrandom\"";

/// Build what ships: static programs, profiles, documents and checksums
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// Where the release goes
    #[arg(long, value_name = "FOLDER", default_value = "target/release-archive")]
    out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// The build failed, or a file cannot be written.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    let name = format!("netcheck-{}-{TARGET}", env!("CARGO_PKG_VERSION"));
    let out = root().join(&args.out);
    let folder = out.join(&name);
    let tools: Vec<String> = workspace::crates().iter().map(|tool| format!("check-{tool}")).collect();
    let mut first = build();
    tools.iter().for_each(|tool| {
        first.args(["--package", tool]);
    });
    step("building the tools", &mut first)?;
    step(
        "building netcheck",
        build().args(["--package", "xtask", "--no-default-features", "--bin", "netcheck"]),
    )?;
    let programs = target_folder()?.join(TARGET).join("dist");
    create(&folder.join("bin"))?;
    for program in tools.iter().map(String::as_str).chain(["netcheck"]) {
        copy(&programs.join(program), &folder.join("bin").join(program))?;
    }
    for part in ["profiles", "docs"] {
        tree(&root().join(part), &folder.join(part))?;
    }
    for page in ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        if root().join(page).is_file() {
            copy(&root().join(page), &folder.join(page))?;
        }
    }
    archive(&out, &name)
}

fn build() -> Command {
    let mut build = cargo();
    build.args(["build", "--profile", "dist", "--locked", "--target", TARGET]).env("RUSTFLAGS", FLAGS);
    build
}

/// One archive with the same bytes for the same files, and its checksum.
fn archive(out: &Path, name: &str) -> Result<(), String> {
    let file = format!("{name}.tar.gz");
    let mut tar = Command::new("tar");
    tar.current_dir(out).env("GZIP", "-n");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "-czf", &file, name]);
    step("packing", &mut tar)?;
    let sums = Command::new("sha256sum")
        .current_dir(out)
        .arg(&file)
        .output()
        .map_err(|why| format!("sha256sum: {why}"))?;
    fs::write(out.join(format!("{file}.sha256")), sums.stdout)
        .map_err(|why| format!("{file}.sha256: {why}"))?;
    say(&format!("wrote {}", out.join(file).display()));
    Ok(())
}

fn target_folder() -> Result<PathBuf, String> {
    let output = cargo().args(["metadata", "--format-version=1", "--no-deps", "--locked"]).output();
    let output = output.map_err(|why| format!("cargo metadata: {why}"))?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|_| "cargo metadata printed no JSON".to_owned())?;
    metadata["target_directory"]
        .as_str()
        .map(PathBuf::from)
        .ok_or_else(|| "cargo metadata names no target".into())
}

fn create(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|why| format!("{}: {why}", folder.display()))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(drop).map_err(|why| format!("{}: {why}", from.display()))
}

fn tree(from: &Path, to: &Path) -> Result<(), String> {
    create(to)?;
    for entry in fs::read_dir(from).map_err(|why| format!("{}: {why}", from.display()))?.flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() { tree(&path, &to)? } else { copy(&path, &to)? }
    }
    Ok(())
}
