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

#[test]
fn no_check_depends_on_a_check_and_the_spine_on_no_member() {
    let metadata = metadata();
    let members: Vec<&str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    assert!(members.contains(&"netcheck-common") && members.contains(&"xtask"));
    for (from, to) in edges(&metadata) {
        assert!(!(from.starts_with("check-") && to.starts_with("check-")), "{from} depends on {to}");
        assert!(!(from == "netcheck-common" && members.contains(&to.as_str())), "{from} depends on {to}");
        assert!(to != "netcheck-lab" || from == "netcheck-bench", "{from} ships the lab");
    }
}

#[test]
fn the_orchestrator_has_no_runtime_and_no_tls() {
    let heavy = ["tokio", "rustls", "hyper", "quinn"];
    for (from, to) in edges(&metadata()) {
        assert!(
            from != "xtask" || !heavy.contains(&to.as_str()),
            "xtask depends on {to}: its build is waited for"
        );
    }
}

#[test]
fn nothing_of_ours_is_unsafe() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let manifest = |path: &Path| -> toml::Table { std::fs::read_to_string(path).unwrap().parse().unwrap() };
    let workspace = manifest(&root.join("Cargo.toml"));
    assert_eq!(workspace["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for package in metadata()["packages"].as_array().unwrap() {
        let path = package["manifest_path"].as_str().unwrap();
        let own = manifest(Path::new(path));
        assert_eq!(own["lints"]["workspace"].as_bool(), Some(true), "{path}");
    }
}
