//! `cargo xtask new` in a copy of the workspace: what it makes compiles, is checked, and takes its place everywhere.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A copy of the files that belong to the workspace.
fn copy(into: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let files = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output().unwrap();
    for file in files.stdout.split(|byte| *byte == 0).filter(|file| !file.is_empty()) {
        let file = Path::new(std::str::from_utf8(file).unwrap());
        if root.join(file).exists() {
            fs::create_dir_all(into.join(file).parent().unwrap()).unwrap();
            fs::copy(root.join(file), into.join(file)).unwrap();
        }
    }
}

#[test]
fn a_new_check_compiles_passes_its_tests_and_is_in_the_scheme_table_the_schema_and_the_program_of_all() {
    let stage = TempDir::new().unwrap();
    copy(stage.path());
    let run = |program: &str, args: &[&str]| {
        Command::new(program)
            .args(args)
            .current_dir(stage.path())
            .env("CARGO_MANIFEST_DIR", stage.path().join("xtask"))
            .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("scaffold"))
            .output()
            .unwrap()
    };
    let made = run(env!("CARGO_BIN_EXE_xtask"), &["new", "demo"]);
    assert!(made.status.success(), "{}", said(&made));
    let built = run("cargo", &["build", "--offline", "--package", "check-demo", "--package", "netcheck-all"]);
    assert!(built.status.success(), "{}", said(&built));
    let schema = run(env!("CARGO_BIN_EXE_xtask"), &["schema"]);
    assert!(schema.status.success(), "{}", said(&schema));
    let schema = fs::read_to_string(stage.path().join("docs/record.schema.json")).unwrap();
    assert_eq!(schema.matches("\"demo.timeout\"").count(), 1);
    let tested = run("cargo", &["test", "--offline", "--package", "check-demo"]);
    assert!(tested.status.success(), "{}", said(&tested));
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scaffold/debug/netcheck-all");
    let own = stage.path().join("check-demo-linked/check-demo");
    fs::create_dir(own.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(all, &own).unwrap();
    assert_eq!(
        said(&run(&own.display().to_string(), &["demo://"])).lines().next(),
        Some("check-demo: demo://: demo:// needs a port, as in demo://:443")
    );
}
