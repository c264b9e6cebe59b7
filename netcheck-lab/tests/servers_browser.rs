//! The tools' ClientHello is as long as the browser's and offers the same groups and key shares.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end")]

use std::process::{Command, Stdio};

#[test]
fn the_hello_is_a_browsers() {
    let lab = Command::new(env!("CARGO_BIN_EXE_netcheck-lab"))
        .arg("browser-hello")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(lab.status.success(), "{}", String::from_utf8_lossy(&lab.stderr));
}
