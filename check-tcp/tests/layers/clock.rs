//! A certificate out of its time: its own fault, or this machine's clock's? Another host shows it.

use jiff::fmt::rfc2822::DateTimePrinter;
use netcheck_lab::pki::Authority;
use netcheck_lab::tool::Outcome;
use netcheck_lab::view::diagnosed;
use netcheck_lab::{Act, Server};

use crate::view::{Believes as _, NAME, OTHER, SOON, answer, tool};

/// In seconds.
const DAY: i64 = 86_400;

/// A host whose certificate is valid between these days and that says it is the day `today`, all counted from ours.
fn against(from: i64, to: i64, today: Option<i64>) -> Outcome {
    let root = Authority::new("Lab Public Root");
    let server = Server::tls(&root.leaf_valid(&[NAME], from, to), &[], answer(head(today)));
    tool(SOON).public(&root).check("https", server.port)
}

fn head(today: Option<i64>) -> String {
    head_at(today.map(|day| netcheck_common::clock::unix() + day * DAY))
}

fn head_at(now: Option<i64>) -> String {
    now.map_or_else(
        || "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
        |now| format!("HTTP/1.1 200 OK\r\nDate: {}\r\nContent-Length: 0\r\n\r\n", date(now)),
    )
}

/// As HTTP writes dates (RFC 9110 section 5.6.7).
fn date(unix: i64) -> String {
    let time = jiff::Timestamp::from_second(unix).unwrap();
    DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap()
}

#[test]
fn a_host_that_says_it_is_the_certificates_time_shows_our_clock_wrong() {
    assert_eq!(diagnosed(&against(-60, -30, Some(-45))), "fail tls.expired clock_skew local medium");
    assert_eq!(diagnosed(&against(30, 60, Some(45))), "fail tls.not_yet_valid clock_skew local medium");
}

#[test]
fn a_host_that_agrees_with_us_shows_its_certificate_wrong_and_other_hosts_make_it_certain() {
    assert_eq!(
        diagnosed(&against(-60, -30, Some(0))),
        "fail tls.expired service_misconfigured service medium"
    );
    assert_eq!(
        diagnosed(&against(30, 60, Some(0))),
        "fail tls.not_yet_valid service_misconfigured service medium"
    );
    let said = one_after_another(&[(-10, 60), (-60, -30)], Some(0));
    assert_eq!(said, ["pass - - - -", "fail tls.expired service_misconfigured service high"]);
}

#[test]
fn a_clock_that_is_two_hours_behind_explains_a_certificate_of_this_morning() {
    let root = Authority::new("Lab Public Root");
    let now = netcheck_common::clock::unix();
    for (from, to, says, expected) in [
        (3600, 90 * DAY, 7200, "fail tls.not_yet_valid clock_skew local medium"),
        (-90 * DAY, -3600, -7200, "fail tls.expired clock_skew local medium"),
        (3600, 90 * DAY, 30, "fail tls.not_yet_valid service_misconfigured service medium"),
    ] {
        let leaf = root.leaf_between(&[NAME], from, to);
        let server = Server::tls(&leaf, &[], answer(head_at(Some(now + says))));
        assert_eq!(diagnosed(&tool(SOON).public(&root).check("https", server.port)), expected);
    }
}

#[test]
fn a_host_whose_date_fits_neither_says_nothing_about_the_clock() {
    assert_eq!(
        diagnosed(&against(-60, -30, Some(-900))),
        "fail tls.expired service_misconfigured service low"
    );
}

#[test]
fn a_host_without_a_date_says_nothing_about_the_clock() {
    assert_eq!(diagnosed(&against(-60, -30, None)), "fail tls.expired service_misconfigured service low");
}

#[test]
fn a_host_that_does_not_answer_says_nothing_about_the_clock() {
    let root = Authority::new("Lab Public Root");
    let server = Server::tls(&root.leaf_valid(&[NAME], -60, -30), &[], vec![Act::Stall]);
    let outcome = tool(SOON).public(&root).check("https", server.port);
    assert_eq!(diagnosed(&outcome), "fail tls.expired service_misconfigured service low");
}

/// The records of a run over hosts whose certificates are valid between these days, one after the other; the last says
/// it is the day `today`.
fn one_after_another(validity: &[(i64, i64)], today: Option<i64>) -> Vec<String> {
    let root = Authority::new("Lab Public Root");
    let names = [NAME, OTHER, "app.spotme.com", "spotme.com"];
    let servers: Vec<Server> = validity
        .iter()
        .zip(names)
        .enumerate()
        .map(|(number, ((from, to), name))| {
            let today = today.filter(|_| number + 1 == validity.len());
            Server::tls(&root.leaf_valid(&[name], *from, *to), &[], answer(head(today)))
        })
        .collect();
    let targets = servers.iter().zip(names).map(|(server, name)| format!("https://{name}:{}", server.port));
    let outcome = tool(SOON).public(&root).args(["--jobs", "1"]).args(targets.collect::<Vec<_>>()).run();
    outcome.records.iter().map(diagnosed).collect()
}

#[test]
fn three_hosts_out_of_time_in_the_same_way_show_that_the_clock_is_wrong() {
    let said = one_after_another(&[(30, 60), (20, 90), (40, 50)], None);
    assert_eq!(said[0], "fail tls.not_yet_valid service_misconfigured service low");
    assert_eq!(said[2], "fail tls.not_yet_valid clock_skew local medium");
    let mixed = one_after_another(&[(-10, 60), (20, 90), (40, 50)], None);
    assert_eq!(mixed[2], "fail tls.not_yet_valid service_misconfigured service low", "one is valid");
}

#[test]
fn a_host_whose_own_clock_is_wrong_is_told_from_us_by_the_others() {
    let said = one_after_another(&[(-10, 60), (-60, -30)], Some(-45));
    assert_eq!(said, ["pass - - - -", "fail tls.expired service_misconfigured service medium"]);
}

#[test]
fn a_date_and_another_host_make_a_wrong_clock_certain() {
    let said = one_after_another(&[(-60, -30), (-80, -20)], Some(-45));
    assert_eq!(said[1], "fail tls.expired clock_skew local high");
}
