//! A certificate out of its time: its own fault, or this machine's clock's? A witness tells.

use jiff::fmt::rfc2822::DateTimePrinter;
use netcheck_lab::pki::Authority;
use netcheck_lab::tool::Outcome;
use netcheck_lab::{Act, Server};

use crate::view::{Believes as _, NAME, SOON, answer, essence, tool};

/// A host whose certificate is valid between these days and that says it is the day `today`, all counted from ours.
fn against(from: i64, to: i64, today: Option<i64>) -> Outcome {
    let root = Authority::new("Lab Public Root");
    let head = today.map_or_else(
        || "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
        |today| format!("HTTP/1.1 200 OK\r\nDate: {}\r\nContent-Length: 0\r\n\r\n", date(today)),
    );
    let server = Server::tls(&root.leaf_valid(&[NAME], from, to), &[], answer(head));
    tool(SOON).public(&root).check("https", server.port)
}

/// As HTTP writes dates (RFC 9110 section 5.6.7).
fn date(day: i64) -> String {
    let time = jiff::Timestamp::from_second(netcheck_common::clock::unix() + day * 86_400).unwrap();
    DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap()
}

#[test]
fn a_host_that_says_it_is_the_certificates_time_shows_our_clock_wrong() {
    assert_eq!(essence(&against(-60, -30, Some(-45))), "fail tls.expired clock_skew local medium");
    assert_eq!(essence(&against(30, 60, Some(45))), "fail tls.not_yet_valid clock_skew local medium");
}

#[test]
fn a_host_that_agrees_with_us_shows_its_certificate_wrong() {
    assert_eq!(essence(&against(-60, -30, Some(0))), "fail tls.expired service_misconfigured service high");
    assert_eq!(
        essence(&against(30, 60, Some(0))),
        "fail tls.not_yet_valid service_misconfigured service high"
    );
}

#[test]
fn a_host_whose_date_fits_neither_is_no_witness() {
    assert_eq!(essence(&against(-60, -30, Some(-900))), "fail tls.expired service_misconfigured service low");
}

#[test]
fn a_host_without_a_date_is_no_witness() {
    assert_eq!(essence(&against(-60, -30, None)), "fail tls.expired service_misconfigured service low");
}

#[test]
fn a_host_that_does_not_answer_is_no_witness() {
    let root = Authority::new("Lab Public Root");
    let server = Server::tls(&root.leaf_valid(&[NAME], -60, -30), &[], vec![Act::Stall]);
    let outcome = tool(SOON).public(&root).check("https", server.port);
    assert_eq!(essence(&outcome), "fail tls.expired service_misconfigured service low");
}
