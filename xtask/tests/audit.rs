//! SECURITY.md lists the crates of others that read bytes from the network: all of them, and none that is gone. The tests that its
//! promises name exist.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The parts of the workspace's manifest whose crates meet the network.
const PARTS: [&str; 3] = ["# Names, sockets, TLS, HTTP.", "# Proxies:", "# Protocols."];
/// Crates of these parts that read nothing a peer wrote: system calls, random numbers, roots on disk, types, and the
/// joints between crates that are listed.
const JOINTS: [&str; 14] = [
    "nix",
    "rustix",
    "windows-sys",
    "socket2",
    "tokio-rustls",
    "webpki-roots",
    "rustls-pki-types",
    "rustls-native-certs",
    "http",
    "http-body-util",
    "hyper-util",
    "h3-quinn",
    "getrandom",
    "bytesio",
];

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}

fn text(file: &str) -> String {
    std::fs::read_to_string(path(file)).unwrap()
}

/// The crates of the table's first column.
fn listed() -> BTreeSet<String> {
    let security = text("SECURITY.md");
    let table = security.split("## Code of others that reads bytes from the network").nth(1).unwrap();
    let rows = table.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| `"));
    rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_crate_that_reads_from_the_network_is_in_the_audit_list() {
    let manifest = text("Cargo.toml");
    let mut unlisted = BTreeSet::new();
    for part in PARTS {
        let lines = manifest.split(part).nth(1).unwrap().lines().skip(1);
        for line in lines.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with('#')) {
            let (name, rest) = line.split_once(" = ").unwrap();
            let renamed = rest.split("package = \"").nth(1).and_then(|rest| rest.split('"').next());
            unlisted.insert(renamed.unwrap_or(name).to_owned());
        }
    }
    let listed = listed();
    unlisted.retain(|name| !listed.contains(name) && !JOINTS.contains(&name.as_str()));
    assert_eq!(unlisted, BTreeSet::new());
}

#[test]
fn every_crate_of_the_audit_list_is_shipped() {
    let lock = text("Cargo.lock");
    let gone: Vec<String> =
        listed().into_iter().filter(|name| !lock.contains(&format!("name = \"{name}\"\n"))).collect();
    assert_eq!(gone, [""; 0]);
}

/// Each promise with what is said to hold it.
fn promises() -> Vec<(String, Vec<String>)> {
    let security = text("SECURITY.md");
    let table = security.split("## What is promised").nth(1).unwrap();
    let rows = table.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        assert_eq!(cells.len(), 4, "{row}");
        let (promise, held) = (cells[2], cells[3]);
        (promise.to_owned(), held.split('`').skip(1).step_by(2).map(str::to_owned).collect())
    })
    .collect()
}

/// Whether a file, or a file of the folder, holds a test: any, or the one of that name.
fn holds_test(place: &Path, name: Option<&str>) -> bool {
    if place.is_dir() {
        let mut files = std::fs::read_dir(place).unwrap();
        return files.any(|file| holds_test(&file.unwrap().path(), name));
    }
    let code = std::fs::read_to_string(place).unwrap_or_default();
    match name {
        Some(name) => {
            code.contains(&format!("#[test]\nfn {name}()"))
                || code.contains(&format!("#[test]\n    fn {name}()"))
        }
        None => code.contains("#[test]"),
    }
}

/// `PATH`, `PATH::TEST` or `CRATE/fuzz::TARGET`.
fn exists(held: &str) -> bool {
    match held.split_once("::") {
        Some((fuzz, target)) if fuzz.ends_with("/fuzz") => {
            path(fuzz).join("fuzz_targets").join(target).with_extension("rs").is_file()
        }
        Some((file, name)) => holds_test(&path(file), Some(name)),
        None => holds_test(&path(held), None),
    }
}

#[test]
fn every_promise_names_tests_that_exist() {
    let promises = promises();
    assert!(promises.len() > 10);
    for (promise, held) in promises {
        assert!(!held.is_empty(), "nothing holds: {promise}");
        let gone: Vec<&String> = held.iter().filter(|held| !exists(held)).collect();
        assert_eq!(gone, [""; 0], "{promise}");
    }
}
