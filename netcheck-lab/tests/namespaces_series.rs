//! Whole runs of the product in networks that fool: no record is sure of a cause that does not hold.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end")]

use std::process::{Command, Stdio};

fn series(scenario: &str) {
    let lab = Command::new(env!("CARGO_BIN_EXE_netcheck-lab"))
        .args(["series", scenario, "--runs", "1"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let row = String::from_utf8_lossy(&lab.stdout);
    assert!(lab.status.success(), "{row}{}", String::from_utf8_lossy(&lab.stderr));
    assert!(row.starts_with(&format!("| `{scenario}` | 1 | 232: ")), "{row}");
}

#[test]
fn loss_and_rationed_icmp_make_nobody_sure_of_a_filter() {
    series("series-loss-rationing");
}

#[test]
fn equal_links_and_one_broken_server_make_nobody_sure_of_a_firewall() {
    series("series-ecmp-backends");
}

#[test]
fn a_satellite_behind_two_translators_makes_nobody_sure_of_anything() {
    series("series-satellite-cgnat");
}
