//! The orchestrator beside its slowest tool, and a network in which everything is dropped.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::Args;
use crate::measure::{median, run};
use crate::table::{self, Table, Wanted};

/// Every stage's bound: the default of the tools, in seconds.
const TIMEOUT: f64 = 5.0;

/// Both, each inside a network of the lab.
pub(crate) fn measure(args: &Args, table: &mut Table) -> Result<(), String> {
    let repeat = args.repeat.min(3).to_string();
    let profile = ["--bare", "profile", "--repeat", &repeat];
    let healthy = inside(args, "healthy-latency", &profile)?;
    let slowest = healthy.iter().filter(|(name, _)| *name != "netcheck check");
    let slowest = slowest.max_by(|one, other| one.1.total_cmp(other.1)).ok_or("no tool ran")?;
    let whole = *healthy.get("netcheck check").ok_or("netcheck check did not run")?;
    let peer = format!("{} alone", slowest.0);
    table.ratio("the whole profile, healthy", whole, (&peer, *slowest.1), "s", Wanted::AtMost(1.1));
    for network in ["offline", "default-deny"] {
        let dropped = inside(args, network, &profile)?;
        let whole = *dropped.get("netcheck check").ok_or("netcheck check did not run")?;
        let what = format!("the whole profile, {network}: longer than one timeout by");
        table.figure(&what, whole - TIMEOUT, "s", Wanted::AtMost(0.5));
    }
    Ok(())
}

/// Has this program measure again from inside a network.
pub(crate) fn inside(args: &Args, network: &str, what: &[&str]) -> Result<BTreeMap<String, f64>, String> {
    let own = std::env::current_exe().map_err(|why| why.to_string())?;
    let mut lab = args.lab();
    lab.args(["run", network, "--"]).arg(own);
    lab.args(what).arg("--programs").arg(&args.programs);
    let output = lab.stderr(Stdio::inherit()).output().map_err(|why| format!("the lab: {why}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last)
        .map_err(|_| format!("the lab measured nothing in {network}: {}", output.status))
}

/// Inside: the whole, and each tool alone with its part of the plan.
pub(crate) fn here(args: &Args) -> Result<(), String> {
    let plan = args.tool("netcheck").arg("plan").output().map_err(|why| format!("netcheck plan: {why}"))?;
    let plan = String::from_utf8_lossy(&plan.stdout).into_owned();
    let folder = tempfile::tempdir().map_err(|why| why.to_string())?;
    let mut figures: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for _ in 0..args.repeat {
        let mut whole = args.tool("netcheck");
        whole.arg("check").arg("--output").arg(folder.path().join("records.jsonl"));
        let ended = run(with_roots(&mut whole), None)?;
        figures.entry("netcheck check".into()).or_default().push(ended.wall);
        for tool in ["tcp", "wss", "rtmps", "udp", "push", "mail"] {
            let name = format!("check-{tool}");
            let mut command = args.tool(&name);
            let ended = run(with_roots(&mut command), Some(&plan))?;
            figures.entry(name).or_default().push(ended.wall);
        }
    }
    let medians = figures.into_iter().map(|(name, seconds)| (name, json!(median(seconds))));
    table::print(&Value::Object(medians.collect()));
    Ok(())
}

/// The roots of the lab's own public authority.
pub(crate) fn with_roots(command: &mut Command) -> &mut Command {
    let files = Path::new("/run/lab");
    command.arg("--public-roots").arg(files.join("roots.pem"));
    if command.get_program().to_string_lossy().ends_with("check-push")
        || command.get_program().to_string_lossy().ends_with("netcheck")
    {
        command.arg("--apple-roots").arg(files.join("apple.pem"));
    }
    command
}
