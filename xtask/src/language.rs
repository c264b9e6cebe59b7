//! `cargo xtask language`: ten functions and ten sentences, drawn at random, for a reader who does not know this tree.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::Value;

use crate::workspace::root;

/// Every fix for every scheme, as a test renders them.
const SENTENCES: &str = "netcheck-record/tests/snapshots/sentences__every_sentence_reads_well.snap";
/// Records of tests and of the lab.
const RECORDS: &str = "docs/evidence/examples.jsonl";

/// Functions of other crates' traits, which are named there.
const FOREIGN: [&str; 8] =
    ["main", "fmt", "from", "from_str", "poll_read", "poll_write", "poll_flush", "poll_shutdown"];

/// Print functions with their doc comments, and sentences of reports, drawn at random: each should explain itself
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// Seed of the draw
    #[arg(long, value_name = "N", default_value = "0")]
    seed: u64,
    /// Number of functions and of sentences
    #[arg(long, value_name = "N", default_value = "10")]
    count: usize,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    let mut draw = Draw(args.seed);
    let functions = functions()?;
    netcheck::out::print(&format!("{} functions, of which:\n\n", functions.len()))?;
    for function in draw.some(functions, args.count) {
        netcheck::out::print(&format!("{function}\n"))?;
    }
    let sentences = sentences()?;
    netcheck::out::print(&format!("\n{} sentences, of which:\n\n", sentences.len()))?;
    for sentence in draw.some(sentences, args.count) {
        netcheck::out::print(&format!("- {sentence}\n"))?;
    }
    Ok(())
}

/// SplitMix64: the same draw for the same seed.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// `count` different ones of `all`.
    fn some(&mut self, mut all: Vec<String>, count: usize) -> Vec<String> {
        let mut drawn = Vec::new();
        while drawn.len() < count && !all.is_empty() {
            let length = u64::try_from(all.len()).unwrap_or(u64::MAX);
            let at = usize::try_from(self.next() % length).unwrap_or_default();
            drawn.push(all.swap_remove(at));
        }
        drawn
    }
}

/// Every function of the crates' sources, with its doc comment and its file.
fn functions() -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root()).map_err(|why| why.to_string())?.flatten() {
        sources(&entry.path().join("src"), &mut files);
    }
    files.sort();
    let mut functions = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).map_err(|why| format!("{}: {why}", file.display()))?;
        let shown = file.strip_prefix(root()).unwrap_or(&file).display().to_string();
        let text = text.split("\n#[cfg(test)]").next().unwrap_or_default();
        let mut doc: Vec<&str> = Vec::new();
        for line in text.lines().map(str::trim) {
            if let Some(comment) = line.strip_prefix("///") {
                doc.push(comment.trim());
            } else if let Some(name) = declared(line).filter(|name| !FOREIGN.contains(name)) {
                let told = if doc.is_empty() { "(no doc comment)".to_owned() } else { doc.join(" ") };
                functions.push(format!("- `{name}` ({shown}): {told}"));
                doc.clear();
            } else if !line.starts_with('#') {
                doc.clear();
            }
        }
    }
    Ok(functions)
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            sources(&path, found);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The name of the function that a line declares.
fn declared(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let words = ["pub", "const", "async", "pub(crate)", "pub(super)", "unsafe"];
    before.split_whitespace().all(|word| words.contains(&word)).then_some(())?;
    after.split(|c: char| !c.is_alphanumeric() && c != '_').next().filter(|name| !name.is_empty())
}

/// What people read: fixes, observations and evidence.
fn sentences() -> Result<Vec<String>, String> {
    let read = |name: &str| fs::read_to_string(root().join(name)).map_err(|why| format!("{name}: {why}"));
    let snapshot = read(SENTENCES)?;
    let mut sentences: Vec<String> =
        snapshot.lines().filter_map(|line| line.split_once(": ")).map(|(_, text)| text.to_owned()).collect();
    for line in read(RECORDS)?.lines() {
        let record: Value = serde_json::from_str(line).map_err(|why| format!("{RECORDS}: {why}"))?;
        let evidence = record["cause"]["evidence"].as_array().into_iter().flatten();
        let texts = [&record["failure"]["detail"], &record["cause"]["fix"]].into_iter().chain(evidence);
        sentences.extend(texts.filter_map(Value::as_str).map(str::to_owned));
    }
    sentences.sort();
    sentences.dedup();
    Ok(sentences)
}
