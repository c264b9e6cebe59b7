//! What a system does not tell: named in the record, and the switch that tests make it with.

use netcheck_lab::closed_port;
use serde_json::json;

use crate::peer::{quiet, tool};

#[test]
fn a_system_that_tells_everything_is_not_mentioned() {
    let server = quiet();
    let outcome = tool(&[&format!("tcp://127.0.0.1:{}", server.port)]).run();
    assert_eq!(outcome.one()["facts"].get("system"), None);
}

#[test]
fn every_sense_that_is_missing_is_named_in_the_record() {
    let server = quiet();
    let target = format!("tcp://127.0.0.1:{}", server.port);
    let outcome = tool(&[&target]).env("NETCHECK_BLIND", "tcp_icmp,reset_distance").run();
    let record = outcome.one();
    assert_eq!(record["verdict"], "pass");
    assert_eq!(record["facts"]["system"]["blind"], json!(["reset_distance", "tcp_icmp"]));
    // The schema, which every record of a test is held against, knows each name.
    let all = tool(&[&target]).env("NETCHECK_BLIND", "all").run();
    assert_eq!(all.one()["facts"]["system"]["blind"].as_array().map(Vec::len), Some(8));
}

#[test]
fn a_refusal_by_this_machine_itself_needs_no_sense() {
    let idle = format!("tcp://127.0.0.1:{}", closed_port());
    let outcome = tool(&[&idle]).env("NETCHECK_BLIND", "all").run();
    let cause = &outcome.one()["cause"];
    assert_eq!((&cause["code"], &cause["confidence"]), (&json!("port_idle"), &json!("high")));
}

#[test]
fn a_name_that_is_no_sense_is_an_error_before_any_packet() {
    let server = quiet();
    let target = format!("tcp://127.0.0.1:{}", server.port);
    let outcome = tool(&[&target]).env("NETCHECK_BLIND", "tcp-icmp").run();
    assert_eq!(outcome.code, 2);
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.contains("NETCHECK_BLIND: there is no tcp-icmp"), "{}", outcome.stderr);
}
