//! Every network of the matrix on systems that do not tell something: each sense alone, and all of them.

use std::process::{Command, Stdio};

#[test]
fn no_sense_that_is_missing_leads_to_a_wrong_cause_that_is_sure() {
    let lab =
        Command::new(env!("CARGO_BIN_EXE_netcheck-lab")).arg("blind").stdin(Stdio::null()).output().unwrap();
    let table = String::from_utf8_lossy(&lab.stdout);
    assert!(lab.status.success(), "{table}\n{}", String::from_utf8_lossy(&lab.stderr));
}
