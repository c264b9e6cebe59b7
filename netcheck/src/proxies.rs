//! Which proxies each requirement would take, and why: the tools are asked, and send nothing to a target.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use serde_json::Value;

use netcheck_record::escape;
use netcheck_record::record::Record;

use crate::child;
use crate::plan::{CONTROLS, Line};
use crate::tool_flags::ToolFlags;
use crate::tools::Tools;

/// How a requirement's targets go, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ProxyChoice {
    steps: String,
    why: String,
}

/// The table: one line per requirement and list of proxies, in the order of the plan.
///
/// # Errors
/// A tool that cannot be run.
pub(crate) fn table(lines: &[Line], tools: &Tools, tool_flags: &ToolFlags) -> Result<String, String> {
    let mut rows: Vec<&str> = Vec::new();
    for line in lines.iter().filter(|line| line.row != CONTROLS) {
        if !rows.contains(&line.row.as_str()) {
            rows.push(&line.row);
        }
    }
    let mut choices: BTreeMap<(usize, ProxyChoice), usize> = BTreeMap::new();
    for (tool, program) in tools {
        let share: Vec<String> =
            lines.iter().filter(|line| line.tool == *tool && line.row != CONTROLS).map(Line::json).collect();
        if share.is_empty() {
            continue;
        }
        for record in ask(tool, program, share, tool_flags)? {
            let row = record.labels.as_ref().and_then(|labels| labels.text("row"));
            let Some(at) = row.and_then(|row| rows.iter().position(|known| *known == row)) else { continue };
            *choices.entry((at, proxy_choice(&record))).or_default() += 1;
        }
    }
    Ok(written(&rows, &choices))
}

fn ask(
    tool: &str,
    program: &Path,
    share: Vec<String>,
    tool_flags: &ToolFlags,
) -> Result<Vec<Record>, String> {
    let failed = |why: std::io::Error| format!("check-{tool} cannot be run: {why}");
    let mut child = child::command(program)
        .args(tool_flags.args(tool, 1))
        .args(["--list-proxies", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(failed)?;
    let stdin = child.stdin.take();
    // On a thread of its own: the tool answers while it reads.
    let feeding = thread::Builder::new().spawn(move || {
        use std::io::Write;
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all((share.join("\n") + "\n").as_bytes());
        }
    });
    let feeding = feeding.map_err(failed)?;
    let output = child.wait_with_output().map_err(failed)?;
    let _ = feeding.join();
    Ok(output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
}

fn proxy_choice(record: &Record) -> ProxyChoice {
    let fact = |pointer: &str| record.facts.get("proxy").and_then(|proxy| proxy.pointer(pointer)).cloned();
    let text = |pointer: &str| fact(pointer).and_then(|value| value.as_str().map(str::to_owned));
    let steps: Vec<String> = match fact("/list") {
        Some(Value::Array(steps)) => {
            steps.iter().filter_map(|step| step.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    };
    let steps = if steps.is_empty() { "DIRECT".to_owned() } else { steps.join("; ") };
    let browser = fact("/browser/0").and_then(|first| first.as_str().map(str::to_owned));
    let mut why = match (browser, text("/source")) {
        (Some(browser), _) => format!("its own client takes no proxy; a browser would go through {browser}"),
        (None, Some(source)) => source,
        (None, None) => "no proxy setting is for it".to_owned(),
    };
    if let Some(entry) = text("/exempt") {
        let _ = write!(why, ": exempt by \"{entry}\"");
    }
    match (text("/pac/url"), text("/pac/fault")) {
        (Some(url), Some(fault)) => drop(write!(why, ": the PAC file {url} is of no use ({fault})")),
        (Some(url), None) => drop(write!(why, ": PAC file {url}")),
        _ => {}
    }
    ProxyChoice { steps: escape::line(&steps, 200), why: escape::line(&why, 300) }
}

fn written(rows: &[&str], choices: &BTreeMap<(usize, ProxyChoice), usize>) -> String {
    let mut table: Vec<[String; 4]> = vec![["REQUIREMENT", "TARGETS", "PROXIES", "WHY"].map(str::to_owned)];
    for ((at, choice), count) in choices {
        let row = rows.get(*at).copied().unwrap_or_default();
        table.push([row.to_owned(), count.to_string(), choice.steps.clone(), choice.why.clone()]);
    }
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let (first, second, third) = (width(0), width(1), width(2));
    table.iter().fold(String::new(), |mut text, [row, count, steps, why]| {
        let _ = writeln!(text, "{row:<first$}  {count:>second$}  {steps:<third$}  {why}");
        text
    })
}
