//! The product's promise: in every network that misbehaves, the right verdict, failure and cause.

use std::process::{Command, Stdio};

#[test]
fn every_scenario_is_found_out() {
    let lab =
        Command::new(env!("CARGO_BIN_EXE_netcheck-lab")).arg("matrix").stdin(Stdio::null()).output().unwrap();
    let table = String::from_utf8_lossy(&lab.stdout);
    let wrong: Vec<&str> = table.lines().filter(|line| !line.starts_with("ok ")).collect();
    assert!(lab.status.success(), "{}\n{}", wrong.join("\n"), String::from_utf8_lossy(&lab.stderr));
}
