//! What is inside the programs: every crate that is linked, and what comes with the compiler.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use super::programs::{self, NETCHECK};
use super::target::Target;
use crate::workspace::{self, cargo, output_of, root};

/// Name and version.
pub(crate) type Id = (String, String);

/// One thing that ships.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// What it is called.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// An SPDX expression.
    pub(crate) licence: String,
    /// Where its sources are, with its licence texts.
    pub(crate) folder: Option<PathBuf>,
    /// SHA-256 of the published crate; none of our own.
    pub(crate) checksum: Option<String>,
    /// Whether the registry has it.
    pub(crate) published: bool,
}

/// All parts of some programs, and who needs whom.
#[derive(Debug, Default)]
pub(crate) struct Shipped {
    /// The parts.
    pub(crate) parts: BTreeMap<Id, Part>,
    /// What each part needs directly.
    pub(crate) needs: BTreeMap<Id, BTreeSet<Id>>,
}

impl Shipped {
    /// What is linked into all programs for a system, and the crates that ship as `data` beside them.
    ///
    /// # Errors
    /// Cargo refuses, or a crate says nothing of its licence.
    pub(crate) fn read(target: Target, data: &[&str]) -> Result<Shipped, String> {
        let tools =
            workspace::crates().into_iter().flat_map(|tool| ["-p".to_owned(), format!("check-{tool}")]);
        let own = ["-p".to_owned(), NETCHECK.to_owned()];
        let needs = linked(target, &tools.chain(own).collect::<Vec<_>>())?;
        let known = known(target)?;
        let mut parts = compiler(target)?;
        let beside = known.iter().filter(|(id, _)| data.contains(&id.0.as_str()));
        parts.extend(beside.map(|(id, part)| (id.clone(), part.clone())));
        for id in needs.keys() {
            let part = known.get(id).ok_or_else(|| format!("{} {}: no licence is known", id.0, id.1))?;
            parts.insert(id.clone(), part.clone());
        }
        Ok(Shipped { parts, needs })
    }

    /// Only what one program needs.
    pub(crate) fn of(&self, program: &str) -> Shipped {
        let mut waiting: Vec<Id> = self.needs.keys().filter(|(name, _)| name == program).cloned().collect();
        let mut only = Shipped::default();
        while let Some(id) = waiting.pop() {
            if let (Some(part), None) = (self.parts.get(&id), only.parts.get(&id)) {
                let below = self.needs.get(&id).cloned().unwrap_or_default();
                waiting.extend(below.iter().cloned());
                only.parts.insert(id.clone(), part.clone());
                only.needs.insert(id, below);
            }
        }
        let beside = self.parts.iter().filter(|(id, _)| !self.needs.contains_key(*id));
        only.parts.extend(beside.map(|(id, part)| (id.clone(), part.clone())));
        only
    }
}

/// The crates of packages as the build has them: without macros, build scripts, and features nobody asked for.
fn linked(target: Target, packages: &[String]) -> Result<BTreeMap<Id, BTreeSet<Id>>, String> {
    let mut asked = cargo();
    asked.args(["tree", "--locked", "--edges", "normal,no-proc-macro", "--target", target.as_str()]);
    asked.args(["--prefix", "depth", "--no-dedupe", "--format", " {p}"]).args(packages);
    let output = asked.stderr(Stdio::inherit()).output().map_err(|why| format!("cargo tree: {why}"))?;
    let mut needs: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
    let mut above: Vec<Id> = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let mut words = line.split_whitespace();
        let (Some(depth), Some(name), Some(version)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let id = (name.to_owned(), version.trim_start_matches('v').to_owned());
        above.truncate(depth.parse().map_err(|_| format!("cargo tree printed: {line}"))?);
        if let Some(parent) = above.last() {
            needs.entry(parent.clone()).or_default().insert(id.clone());
        }
        needs.entry(id.clone()).or_default();
        above.push(id);
    }
    if needs.is_empty() { Err("cargo tree printed nothing".into()) } else { Ok(needs) }
}

/// All packages that this platform can need and that name a licence.
fn known(target: Target) -> Result<BTreeMap<Id, Part>, String> {
    let metadata = programs::metadata(target, &[])?;
    let checksums = checksums()?;
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(packages.iter().filter_map(|package| part(package, &checksums)).collect())
}

fn part(package: &Value, checksums: &BTreeMap<Id, String>) -> Option<(Id, Part)> {
    let text = |key: &str| package[key].as_str().map(str::to_owned);
    let (name, version) = (text("name")?, text("version")?);
    let id = (name.clone(), version.clone());
    let published = package["source"].is_string();
    let own = (!published).then(|| env!("CARGO_PKG_LICENSE").to_owned());
    // Old manifests write a slash for OR.
    let licence = text("license").or(own)?.replace('/', " OR ");
    let licence = licence.split_whitespace().collect::<Vec<_>>().join(" ");
    let folder = text("manifest_path").map(PathBuf::from).and_then(|path| path.parent().map(PathBuf::from));
    let checksum = checksums.get(&id).cloned();
    Some((id, Part { name, version, licence, folder, checksum, published }))
}

fn checksums() -> Result<BTreeMap<Id, String>, String> {
    let text = fs::read_to_string(root().join("Cargo.lock")).map_err(|why| format!("Cargo.lock: {why}"))?;
    let lock: toml::Table = toml::from_str(&text).map_err(|why| format!("Cargo.lock: {why}"))?;
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let entry = |package: &toml::Value| {
        let text = |key: &str| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        Some(((text("name")?, text("version")?), text("checksum")?))
    };
    Ok(packages.filter_map(entry).collect())
}

/// What a static program has of the machine that built it.
fn compiler(target: Target) -> Result<BTreeMap<Id, Part>, String> {
    let gcc = output_of(target.c_compiler(), &["-dumpfullversion"])?;
    let library = match target {
        Target::X86_64 | Target::Aarch64 => ("glibc", glibc_version(target)?, "LGPL-2.1-or-later"),
        Target::Windows => ("mingw-w64", mingw_version(target)?, "ZPL-2.1"),
    };
    let parts = [
        ("rust-std", target.rustc_version()?, "MIT OR Apache-2.0"),
        library,
        ("libgcc", gcc.trim().to_owned(), "GPL-3.0-or-later WITH GCC-exception-3.1"),
    ];
    let part = |(name, version, licence): (&str, String, &str)| {
        let id = (name.to_owned(), version.clone());
        let (name, licence) = (name.to_owned(), licence.to_owned());
        (id, Part { name, version, licence, folder: None, checksum: None, published: false })
    };
    Ok(parts.into_iter().map(part).collect())
}

/// The C library that is linked, by its headers: for another system it is not this machine's.
fn glibc_version(target: Target) -> Result<String, String> {
    version(target, "features.h", ["__GLIBC__", "__GLIBC_MINOR__"])
}

/// The runtime that is linked into programs for Windows, by its headers.
fn mingw_version(target: Target) -> Result<String, String> {
    version(target, "_mingw.h", ["__MINGW64_VERSION_MAJOR", "__MINGW64_VERSION_MINOR"])
}

/// Two macros of a header.
fn version(target: Target, header: &str, names: [&str; 2]) -> Result<String, String> {
    let macros = output_of(target.c_compiler(), &["-E", "-dM", "-include", header, "-x", "c", "/dev/null"])?;
    let value = |name: &str| {
        let line = macros.lines().find_map(|line| line.strip_prefix(&format!("#define {name} ")));
        line.map(str::trim).unwrap_or_default().to_owned()
    };
    Ok(names.map(value).join("."))
}
