//! `cargo xtask test`: everything a fresh Debian machine needs, then the tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::{Args as ClapArgs, ValueEnum};

use super::{dist, package};
use crate::workspace::{self, cargo, root, say, step};

/// Which tests, by what they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Tier {
    /// An ordinary process: loopback and scripted servers
    Process,
    /// Network namespaces, and netcheck-lab/packages.txt (files tests/namespaces*.rs)
    Namespaces,
    /// Real servers, from the checks' packages.txt (files tests/servers*.rs)
    Heavy,
    /// Minutes each, in namespaces (files tests/slow_*.rs); never but by --slow
    #[value(skip)]
    Slow,
}

/// Install what the tests need, then run them
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// Only these (repeatable) [default: all that this machine can run]
    #[arg(long, value_enum)]
    tier: Vec<Tier>,
    /// The slow ones instead, minutes each (files tests/slow_*.rs)
    #[arg(long, conflicts_with = "tier")]
    slow: bool,
    /// Only this package (repeatable)
    #[arg(short, long, value_name = "PACKAGE")]
    package: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// A package that cannot be had, or a test that fails.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    let tiers = if args.slow { slow()? } else { tiers(args)? };
    // Tests of the orchestrator and the lab start the tools: they are all built first.
    step("building", cargo().args(["build", "--workspace", "--all-targets", "--locked"]))?;
    if tiers.contains(&Tier::Heavy)
        && (args.package.is_empty() || args.package.iter().any(|name| name == "xtask"))
    {
        dist::warm()?;
    }
    let nextest =
        Command::new("cargo-nextest").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let mut tests =
        if nextest.is_ok_and(|status| status.success()) { nextest_run(&tiers) } else { cargo_test(&tiers) };
    if args.package.is_empty() {
        tests.arg("--workspace");
    }
    args.package.iter().for_each(|package| {
        tests.args(["--package", package]);
    });
    step("testing", &mut tests)
}

/// The tiers asked for, or all that fit: what is missing and cannot be installed is said.
fn tiers(args: &Args) -> Result<BTreeSet<Tier>, String> {
    let asked: BTreeSet<Tier> = args.tier.iter().copied().collect();
    let mut fit = BTreeSet::new();
    let wanted = |tier: &Tier| asked.is_empty() || asked.contains(tier);
    for tier in [Tier::Process, Tier::Namespaces, Tier::Heavy].into_iter().filter(wanted) {
        let installed = package::install(&packages(tier, PACKAGES));
        match installed.and_then(|()| package::unpack(&packages(tier, UNPACKED))) {
            Ok(()) => {
                fit.insert(tier);
            }
            Err(why) if asked.contains(&tier) => return Err(why),
            Err(why) => say(&format!("left out: tests that need more ({why})")),
        }
    }
    Ok(fit)
}

/// The slow tier alone, which runs only when it is asked for.
fn slow() -> Result<BTreeSet<Tier>, String> {
    package::install(&packages(Tier::Slow, PACKAGES))?;
    Ok(BTreeSet::from([Tier::Slow]))
}

/// The lists of packages: installed, and only unpacked.
const PACKAGES: &str = "packages.txt";
const UNPACKED: &str = "packages-unpacked.txt";
/// What compiles programs for Windows and runs them.
const WINDOWS: &str = "packages-windows.txt";

fn packages(tier: Tier, list: &str) -> BTreeSet<String> {
    match tier {
        Tier::Process => BTreeSet::new(),
        Tier::Namespaces => package::named("netcheck-lab", list),
        Tier::Slow => {
            let lists = [("netcheck-lab", list), ("xtask", WINDOWS)];
            lists.into_iter().flat_map(|(folder, list)| package::named(folder, list)).collect()
        }
        Tier::Heavy => {
            let tools = workspace::crates().into_iter().map(|tool| format!("check-{tool}"));
            let more = ["netcheck", "netcheck-lab", "xtask"].map(str::to_owned);
            tools.chain(more).flat_map(|folder| package::named(&folder, list)).collect()
        }
    }
}

fn nextest_run(tiers: &BTreeSet<Tier>) -> Command {
    let set = |tier: &Tier| match tier {
        Tier::Process => "not binary(/^(namespaces|servers|slow)/)",
        Tier::Namespaces => "binary(/^namespaces/)",
        Tier::Heavy => "binary(/^servers/)",
        Tier::Slow => "binary(/^slow/)",
    };
    let filter = tiers.iter().map(set).collect::<Vec<_>>().join(" or ");
    let mut tests = cargo();
    // The sets are told here: the filter of plain `cargo nextest run` leaves the slow ones out.
    tests.args([
        "nextest",
        "run",
        "--locked",
        "--no-tests=pass",
        "--ignore-default-filter",
        "--filterset",
        &filter,
    ]);
    tests
}

fn cargo_test(tiers: &BTreeSet<Tier>) -> Command {
    let mut tests = cargo();
    tests.args(["test", "--locked"]);
    if tiers.contains(&Tier::Process) {
        tests.args(["--lib", "--bins"]);
    }
    for name in test_files() {
        let tier = match name.as_str() {
            name if name.starts_with("namespaces") => Tier::Namespaces,
            name if name.starts_with("servers") => Tier::Heavy,
            name if name.starts_with("slow") => Tier::Slow,
            _ => Tier::Process,
        };
        if tiers.contains(&tier) {
            tests.args(["--test", &name]);
        }
    }
    tests
}

/// The names of all test files of the workspace: each is a test binary.
fn test_files() -> BTreeSet<String> {
    let folders = |folder| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let stem = |path: PathBuf| {
        let test = path.extension().is_some_and(|end| end == "rs") || path.join("main.rs").is_file();
        test.then(|| path.file_stem().and_then(|name| name.to_str()).map(str::to_owned)).flatten()
    };
    folders(root()).flat_map(|krate| folders(krate.join("tests"))).filter_map(stem).collect()
}
