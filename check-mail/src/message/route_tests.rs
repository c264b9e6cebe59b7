//! Delays told from clocks that are wrong, and from sides that contradict each other.

use super::received::Hop;
use super::route::Route;
use super::sides::{Published, Sides};

/// Seconds of the `Date` field; the hops are counted from the same moment.
const WRITTEN: i64 = 1_781_256_600;

fn hops(hops: &[(&str, Option<i64>)]) -> Vec<Hop> {
    let hop = |(by, time): &(&str, Option<i64>)| Hop {
        by: Some((*by).to_owned()),
        time: time.map(|seconds| WRITTEN + seconds),
        ..Hop::default()
    };
    hops.iter().map(hop).collect()
}

fn read(list: &[(&str, Option<i64>)], date: Option<i64>) -> Route {
    let hops = hops(list);
    let sides = Sides::of(&hops, &Published::default(), Some("sender.example"), &[]);
    Route::of(&hops, &sides, date.map(|seconds| WRITTEN + seconds), None)
}

#[test]
fn one_slow_clock_between_two_that_agree_is_skew() {
    let route = read(
        &[
            ("out.sender.example", Some(5)),
            ("gw.customer.example", Some(-7200)),
            ("mbx.customer.example", Some(9)),
        ],
        Some(0),
    );
    assert_eq!((route.total, route.unknown), (Some(4), None));
    assert_eq!((route.skewed[0].hop, route.skewed[0].seconds), (2, -7205));
}

#[test]
fn a_first_hop_that_is_not_believed_is_listed_and_the_date_field_takes_its_place() {
    let route = read(
        &[
            ("out.sender.example", Some(3600)),
            ("gw.customer.example", Some(7)),
            ("mbx.customer.example", Some(8)),
        ],
        Some(0),
    );
    assert_eq!((route.total, route.unknown), (Some(8), None));
    assert_eq!((route.skewed[0].hop, route.skewed[0].by.as_deref()), (1, Some("out.sender.example")));
}

#[test]
fn a_customer_whose_clocks_are_all_slow_leaves_the_delay_unknown() {
    let route = read(
        &[
            ("out.sender.example", Some(1)),
            ("gw.customer.example", Some(-1200)),
            ("mbx.customer.example", Some(-1199)),
        ],
        Some(0),
    );
    assert_eq!(route.total, None);
    assert_eq!(
        route.unknown.as_deref(),
        Some("the clocks of the receiving side contradict those of the sending side")
    );
    let longer = read(
        &[
            ("out.sender.example", Some(1)),
            ("gw.customer.example", Some(-1200)),
            ("scan.customer.example", Some(-1199)),
            ("mbx.customer.example", Some(-1198)),
        ],
        Some(0),
    );
    assert_eq!(longer.total, None, "a majority of one side proves nothing about the other");
}

#[test]
fn a_customer_whose_clocks_are_whole_hours_ahead_leaves_the_delay_unknown() {
    let route = read(
        &[
            ("out.sender.example", Some(1)),
            ("gw.customer.example", Some(7203)),
            ("mbx.customer.example", Some(7204)),
        ],
        Some(0),
    );
    assert_eq!(route.total, None);
    assert!(route.unknown.is_some_and(|reason| reason.contains("differ by 2 h")));
}

#[test]
fn a_delay_that_clocks_of_another_organisation_confirm_is_no_zone_error() {
    let route = read(
        &[
            ("out.sender.example", Some(1)),
            ("mx.filter.example", Some(3602)),
            ("mbx.customer.example", Some(3603)),
        ],
        Some(0),
    );
    assert_eq!(route.total, Some(3602));
}

#[test]
fn a_date_field_alone_proves_no_delay() {
    let route = read(&[("gw.customer.example", Some(2400))], Some(0));
    assert_eq!(route.total, None);
    assert!(route.unknown.is_some());
    let prompt = read(&[("gw.customer.example", Some(4))], Some(0));
    assert_eq!((prompt.total, prompt.unknown), (Some(4), None));
}

#[test]
fn clocks_that_differ_by_seconds_are_not_wrong() {
    let route = read(
        &[
            ("out.sender.example", Some(10)),
            ("gw.customer.example", Some(7)),
            ("mbx.customer.example", Some(8)),
        ],
        Some(9),
    );
    assert_eq!((route.total, route.skewed.len()), (Some(0), 0));
}

#[test]
fn a_wait_across_an_undated_hop_names_it() {
    let route = read(
        &[
            ("out.sender.example", Some(1)),
            ("gw.customer.example", None),
            ("mbx.customer.example", Some(900)),
        ],
        Some(0),
    );
    let wait = route.slowest.expect("a wait");
    assert_eq!((wait.seconds, wait.across.as_slice()), (899, ["gw.customer.example".to_owned()].as_slice()));
}

#[test]
fn a_last_hop_without_a_time_leaves_the_delay_unknown() {
    let route = read(
        &[("out.sender.example", Some(1)), ("gw.customer.example", Some(3)), ("mbx.customer.example", None)],
        Some(0),
    );
    assert_eq!(route.total, None);
    assert_eq!(
        route.unknown.as_deref(),
        Some("the last hop, mbx.customer.example, has no time that can be read")
    );
}

#[test]
fn three_clocks_of_which_no_two_agree_decide_nothing() {
    let route = read(
        &[
            ("out.sender.example", Some(5000)),
            ("gw.customer.example", Some(0)),
            ("mbx.customer.example", Some(2500)),
        ],
        None,
    );
    assert_eq!(route.total, None);
}

#[test]
fn a_gateway_is_not_taken_for_the_sender_because_it_took_the_message_first() {
    let route = read(&[("gw.customer.example", Some(3)), ("mbx.customer.example", Some(603))], Some(0));
    let wait = route.slowest.expect("a wait");
    assert_eq!((wait.from.as_deref(), wait.origin), (Some("gw.customer.example"), false));
}

#[test]
fn a_mail_service_of_the_senders_is_the_senders() {
    let route = read(
        &[
            ("app.sender.example", Some(0)),
            ("mail132-142.atl131.mandrillapp.com", Some(400)),
            ("mx.customer.example", Some(401)),
        ],
        Some(0),
    );
    assert!(route.slowest.expect("a wait").origin);
}
