//! House rules that no compiler knows.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Pairs of a member and what it depends on, dev-dependencies left out.
fn edges(metadata: &Value) -> Vec<(String, String)> {
    let mut edges = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        for dependency in package["dependencies"].as_array().unwrap() {
            if dependency["kind"] != "dev" {
                let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
                edges.push((name(package), name(dependency)));
            }
        }
    }
    edges
}

/// What each crate of ours may depend on; a check may depend on the common crate alone.
const WALLS: [(&str, &[&str]); 11] = [
    ("netcheck-record", &[]),
    ("netcheck-kerberos", &["netcheck-record"]),
    ("netcheck-pac", &["netcheck-record"]),
    ("netcheck-os", &["netcheck-record"]),
    ("netcheck-net", &["netcheck-record", "netcheck-os", "netcheck-kerberos", "netcheck-pac"]),
    ("netcheck-diagnose", &["netcheck-record", "netcheck-os", "netcheck-net"]),
    ("netcheck-common", &["netcheck-record", "netcheck-os", "netcheck-net", "netcheck-diagnose"]),
    ("netcheck", &["netcheck-record", "netcheck-os"]),
    ("netcheck-fleet", &["netcheck", "netcheck-record", "netcheck-net", "netcheck-common"]),
    ("netcheck-lab", &[]),
    ("xtask", &["netcheck", "netcheck-record"]),
];

#[test]
fn the_crates_depend_on_each_other_one_way() {
    let metadata = metadata();
    let members: Vec<&str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    for (from, _) in WALLS {
        assert!(members.contains(&from), "there is no {from}");
    }
    for (from, to) in edges(&metadata).into_iter().filter(|(_, to)| members.contains(&to.as_str())) {
        let wall = WALLS.iter().find(|(name, _)| *name == from).map(|(_, may)| *may);
        let may = match from.as_str() {
            "netcheck-all" => {
                to.starts_with("check-") || ["netcheck", "netcheck-fleet"].contains(&to.as_str())
            }
            "netcheck-bench" => to == "netcheck-lab",
            check if check.starts_with("check-") => to == "netcheck-common",
            _ => wall.is_some_and(|may| may.contains(&to.as_str())),
        };
        assert!(may, "{from} depends on {to}");
    }
}

/// What names a system: netcheck-os asks it, and tells the crates above in words that hold everywhere.
const OF_A_SYSTEM: [&str; 8] =
    ["nix::", "libc::", "windows_sys", "/proc/", "/sys/", "std::os::", "target_os", "cfg(windows)"];

#[test]
fn only_netcheck_os_speaks_to_the_operating_system() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (mut found, mut folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(root).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.starts_with("check-")
            || [
                "netcheck",
                "netcheck-all",
                "netcheck-common",
                "netcheck-diagnose",
                "netcheck-kerberos",
                "netcheck-net",
                "netcheck-pac",
                "netcheck-record",
            ]
            .contains(&name.as_str())
        {
            folders.push(root.join(name).join("src"));
        }
    }
    assert!(folders.len() > 8, "{folders:?}");
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                // Tests make peers of their own, on the system they run on.
                let own = text.split("#[cfg(test)]").next().unwrap();
                let lines = own.lines().filter(|line| !line.trim_start().starts_with("//"));
                let named = lines.filter(|line| OF_A_SYSTEM.iter().any(|word| line.contains(word)));
                found.extend(named.map(|line| format!("{}: {}", path.display(), line.trim())));
            }
        }
    }
    assert!(found.is_empty(), "these belong into netcheck-os: {found:#?}");
}

#[test]
fn the_product_has_no_runtime_and_no_tls() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "netcheck", "--edges", "normal", "--prefix", "none"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"netcheck-record"), "cargo tree printed: {tree}");
    for heavy in ["tokio", "rustls", "hyper", "quinn", "ring", "hickory-proto"] {
        assert!(!names.contains(&heavy), "netcheck depends on {heavy}: its build is waited for");
    }
}

#[test]
fn only_the_crate_for_the_operating_system_has_unsafe_code_and_each_block_says_why() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let manifest = |path: &Path| -> toml::Table { std::fs::read_to_string(path).unwrap().parse().unwrap() };
    let workspace = manifest(&root.join("Cargo.toml"));
    assert_eq!(workspace["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for package in metadata()["packages"].as_array().unwrap() {
        let path = package["manifest_path"].as_str().unwrap();
        let own = manifest(Path::new(path));
        if package["name"] == "netcheck-os" {
            assert_eq!(own["lints"]["rust"]["unsafe_code"].as_str(), Some("deny"));
            assert_eq!(own["lints"]["clippy"]["undocumented_unsafe_blocks"].as_str(), Some("deny"));
            continue;
        }
        assert_eq!(own["lints"]["workspace"].as_bool(), Some(true), "{path}");
    }
}
