//! A system that does not tell something: no cause is concluded from what it does not tell.

use std::process::{Command, Stdio};

/// The networks in which a missing sense is most easily taken for an answer.
const TELLING: [&str; 9] = [
    "healthy",
    "healthy-on-link",
    "port-idle",
    "local-reject",
    "reset-hop1",
    "reject-port-unreachable",
    "drop-hop2",
    "accepted-hop1",
    "sni-reset",
];

fn assert_holds(senses: &str) {
    let lab = Command::new(env!("CARGO_BIN_EXE_netcheck-lab"))
        .args(["blind", "--senses", senses])
        .args(TELLING.iter().flat_map(|name| ["--only", name]))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let table = String::from_utf8_lossy(&lab.stdout);
    assert!(lab.status.success(), "{table}\n{}", String::from_utf8_lossy(&lab.stderr));
}

#[test]
fn a_system_that_tells_nothing_leads_to_no_wrong_cause_that_is_sure() {
    assert_holds("all");
}

#[test]
fn a_system_that_does_not_tell_icmp_of_connections_leads_to_no_wrong_cause_that_is_sure() {
    assert_holds("tcp_icmp");
}

#[test]
fn a_system_that_does_not_tell_distances_leads_to_no_wrong_cause_that_is_sure() {
    assert_holds("reset_distance");
}
