//! The product's promise for whole runs: never more than one finding for a planted fault, in every network of the lab.

use std::process::{Command, Stdio};

#[test]
fn no_planted_fault_has_more_than_one_finding() {
    let lab = Command::new(env!("CARGO_BIN_EXE_netcheck-lab"))
        .arg("answers")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let table = String::from_utf8_lossy(&lab.stdout);
    let more: Vec<&str> = table.lines().filter(|line| !line.starts_with("ok ")).collect();
    assert!(lab.status.success(), "{}\n{}", more.join("\n"), String::from_utf8_lossy(&lab.stderr));
}
