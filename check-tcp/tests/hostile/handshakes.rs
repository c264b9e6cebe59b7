//! TLS that never gets anywhere.

use netcheck_lab::view::observed;
use netcheck_lab::{Act, Server};

use crate::trial::against;

fn flood(bytes: &[u8]) -> String {
    // Many of them in one write: the flood is to be fast.
    let many = bytes.repeat(64_000 / bytes.len());
    observed(&against("tls", &Server::tcp(vec![Act::ReadSome, Act::Flood(many)])))
}

#[test]
fn empty_records_for_ever_are_not_tls() {
    for kind in [20, 21, 22, 23] {
        assert_eq!(flood(&[kind, 3, 3, 0, 0]), "fail tls.not_tls", "{kind}");
    }
}

#[test]
fn messages_that_mean_nothing_for_ever_are_not_tls() {
    // ChangeCipherSpec, and an empty HelloRequest.
    assert_eq!(flood(&[20, 3, 3, 0, 1, 1]), "fail tls.not_tls");
    assert_eq!(flood(&[22, 3, 3, 0, 4, 0, 0, 0, 0]), "fail tls.not_tls");
}

#[test]
fn warnings_for_ever_end_the_handshake() {
    // user_canceled, of level warning.
    let end = flood(&[21, 3, 3, 0, 2, 1, 90]);
    assert!(["fail tls.not_tls", "fail tls.alert", "fail tls.timeout"].contains(&end.as_str()), "{end}");
}

#[test]
fn a_message_that_announces_sixteen_megabytes_is_not_waited_for() {
    let mut record = vec![22, 3, 3, 0x40, 0, 2, 0xff, 0xff, 0xff];
    record.resize(5 + 0x4000, 0);
    let end = flood(&record);
    assert_eq!(end, "fail tls.not_tls");
}

#[test]
fn records_larger_than_tls_allows_are_not_tls() {
    let mut record = vec![22, 3, 3, 0xff, 0xff, 2, 0, 0, 90];
    record.resize(5 + 0xffff, 7);
    let server = Server::tcp(vec![Act::ReadSome, Act::Flood(record)]);
    assert_eq!(observed(&against("tls", &server)), "fail tls.not_tls");
}

#[test]
fn noise_for_ever_is_not_tls() {
    let noise: Vec<u8> = (0..=255).cycle().skip(128).take(4096).collect();
    assert_eq!(flood(&noise), "fail tls.not_tls");
}

#[test]
fn a_peer_that_takes_nothing_in_is_tls_timeout() {
    assert_eq!(observed(&against("tls", &Server::tcp(vec![Act::Deaf]))), "fail tls.timeout");
}
