//! `cargo xtask prose`: textlint over the pages and the `--help` of every tool, with the terms of `xtask/prose`.

use std::env;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args as ClapArgs;

use crate::dist::programs;
use crate::workspace::{cargo, crates, root, say, step};

/// Pages beside docs/.
const PAGES: [&str; 5] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"];

/// Check the words of pages and help texts
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {}

/// Runs the command.
///
/// # Errors
/// A page or a help text that uses a word of xtask/prose/textlintrc.json, or no npm.
pub(crate) fn run(_: &Args) -> Result<(), String> {
    let folder = programs::target_folder()?.join("prose");
    install(&folder)?;
    let help = help(&folder)?;
    let mut lint = Command::new(folder.join("node_modules/.bin/textlint"));
    lint.arg("--config").arg(root().join("xtask/prose/textlintrc.json"));
    lint.args(PAGES.map(|page| root().join(page))).arg(root().join("docs")).arg(help);
    step("prose", &mut lint)
}

/// The same where npm is installed; without it a failure only where `CI` is set.
///
/// # Errors
/// As [`run`].
pub(crate) fn check() -> Result<(), String> {
    let there = Command::new("npm").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) {
        return run(&Args {});
    }
    let missing = "npm is not installed (Debian has it as npm)";
    if env::var_os("CI").is_some() {
        return Err(missing.to_owned());
    }
    say(&format!("{missing}: the words of pages and help texts were not checked"));
    Ok(())
}

/// Installs the pinned linter, if it is not the installed one.
fn install(folder: &Path) -> Result<(), String> {
    let named = |why: std::io::Error| format!("{}: {why}", folder.display());
    let wanted = root().join("xtask/prose/package-lock.json");
    let installed = folder.join("installed.json");
    let lock = fs::read(&wanted).map_err(|why| format!("{}: {why}", wanted.display()))?;
    if fs::read(&installed).is_ok_and(|text| text == lock) {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(named)?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(root().join("xtask/prose").join(file), folder.join(file)).map_err(named)?;
    }
    step("installing the prose linter", Command::new("npm").args(["ci", "--silent"]).current_dir(folder))?;
    fs::write(installed, lock).map_err(named)
}

/// The help of every tool, as files.
fn help(folder: &Path) -> Result<PathBuf, String> {
    step("building the tools", cargo().args(["build", "--quiet", "--locked", "--package", "netcheck-all"]))?;
    let program = programs::target_folder()?.join("debug/netcheck-all");
    let pages = folder.join("help");
    fs::create_dir_all(&pages).map_err(|why| format!("{}: {why}", pages.display()))?;
    for name in crates().iter().map(|tool| format!("check-{tool}")).chain(["netcheck".to_owned()]) {
        let output = Command::new(&program).arg0(&name).arg("--help").output();
        let output = output.map_err(|why| format!("{}: {why}", program.display()))?;
        let page = pages.join(format!("{name}.txt"));
        fs::write(&page, output.stdout).map_err(|why| format!("{}: {why}", page.display()))?;
    }
    Ok(pages)
}
