//! The licences of what ships: who has which, and the texts as their authors published them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use super::shipped::{Part, Shipped};

/// A licence text may come with an author's name or without an end of line; nothing sane is longer.
const LONGEST: u64 = 256 << 10;
/// Beginnings of the names of files that hold licences.
const NAMES: &[&str] = &["license", "licence", "copying", "copyright", "notice", "unlicense", "patents"];
/// Where Debian keeps the texts of what comes with the compiler.
const COMMON: &str = "/usr/share/common-licenses";

/// The text for people: a list of everything, then each licence text once with those who carry it.
///
/// # Errors
/// A crate's folder cannot be read.
pub(crate) fn text(shipped: &Shipped) -> Result<String, String> {
    let mut page = String::from(
        "What the programs of this release contain besides netcheck itself: name, version, licence (SPDX).\n",
    );
    if shipped.parts.keys().any(|(name, _)| name == "glibc") {
        page.push_str(
            "glibc is linked statically: netcheck's sources and build instructions are public, so that anyone can link\n\
             the programs again with another version of it.\n",
        );
    }
    page.push('\n');
    // By their words: the same licence is set in many ways.
    let mut texts: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for part in shipped.parts.values().filter(|part| part.published || part.folder.is_none()) {
        let name = format!("{} {}", part.name, part.version);
        let found = found(part)?;
        let without = if found.is_empty() { "  (the package holds no licence text)" } else { "" };
        let _ = writeln!(page, "{name:<40} {}{without}", part.licence);
        for text in found {
            texts.entry(words(&text)).or_insert_with(|| (text, Vec::new())).1.push(name.clone());
        }
    }
    let mut texts: Vec<(Vec<String>, String)> =
        texts.into_values().map(|(text, names)| (names, text)).collect();
    texts.sort();
    for (mut names, text) in texts {
        names.dedup();
        let _ = write!(page, "\n{}\n{}\n{0}\n\n{text}\n", "=".repeat(80), names.join(", "));
    }
    Ok(page)
}

/// The licence texts of a part, each once.
fn found(part: &Part) -> Result<Vec<String>, String> {
    let mut files = match &part.folder {
        Some(folder) => licence_files(folder)?,
        None => common(&part.licence),
    };
    files.sort();
    let mut texts: Vec<String> = files.iter().filter_map(|file| read(file)).collect();
    texts.sort();
    texts.dedup();
    Ok(texts)
}

fn licence_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|why| format!("{}: {why}", folder.display()))?.flatten() {
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if !NAMES.iter().any(|known| name.starts_with(known)) {
            continue;
        }
        // A folder of licences is named like a file of one.
        if entry.path().is_dir() {
            let inside = fs::read_dir(entry.path()).into_iter().flatten().flatten();
            files.extend(inside.map(|entry| entry.path()));
        } else if !name.ends_with(".rs") {
            files.push(entry.path());
        }
    }
    Ok(files)
}

fn common(licence: &str) -> Vec<PathBuf> {
    let name = match licence {
        "LGPL-2.1-or-later" => "LGPL-2.1",
        "GPL-3.0-or-later WITH GCC-exception-3.1" => "GPL-3",
        _ => "Apache-2.0",
    };
    let file = Path::new(COMMON).join(name);
    if file.is_file() { vec![file] } else { Vec::new() }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A text with its lines ended alike, so that the same licence is one.
fn read(file: &Path) -> Option<String> {
    let length = fs::metadata(file).ok().filter(|found| found.is_file())?.len();
    let text = (length <= LONGEST).then(|| fs::read_to_string(file).ok()).flatten()?;
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    Some(lines.join("\n").trim_matches('\n').to_owned())
}
