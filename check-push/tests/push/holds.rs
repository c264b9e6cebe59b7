//! The idle hold of devices.

use std::io::Read as _;
use std::sync::Mutex;

use netcheck_lab::pki::Authority;
use netcheck_lab::tool::Outcome;
use netcheck_lab::view::explained;
use netcheck_lab::{Act, Server};

use crate::fake_service::{Believes as _, TALK, text, tool};

fn hold(server: &Server, public: &Authority, diagnose: &str) -> Outcome {
    let args = ["--timeout", "0.7", "--hold", "0.3", "--diagnose", diagnose];
    tool().public(public).args(args).check("fcm", TALK, server.port)
}

fn scripted(acts: Vec<Act>) -> Outcome {
    let public = Authority::new("Lab Public Root");
    hold(&Server::tls(&public.leaf(&[TALK]), &[], acts), &public, "auto")
}

/// Holds against a server that loses the first `lost` connections without a word, as a NAT does that forgets.
fn forgetful(lost: usize, diagnose: &str) -> Outcome {
    let public = Authority::new("Lab Public Root");
    let kept = Mutex::new(Vec::new());
    let server = Server::tls_each(&public.leaf(&[TALK]), &[], move |mut wire| {
        let mut kept = kept.lock().unwrap();
        if kept.len() < lost {
            kept.push(wire);
            return;
        }
        let _ = wire.read(&mut [0; 64]);
        wire.finish();
    });
    hold(&server, &public, diagnose)
}

#[test]
fn a_connection_that_still_answers_after_the_hold_passes() {
    let outcome = scripted(vec![Act::Stall]);
    assert_eq!(explained(&outcome), "pass - -");
    let held = &outcome.one()["facts"]["hold"];
    assert_eq!((&held["ended"], &held["alive"]), (&"quiet".into(), &true.into()));
    assert!(held["idle_ms"].as_u64() >= Some(300), "{held}");
    let stages: Vec<_> =
        outcome.one()["stages"].as_array().unwrap().iter().map(|one| one["stage"].clone()).collect();
    assert_eq!(stages, ["tcp", "tls", "hold"]);
}

#[test]
fn a_close_inside_tls_is_the_services_own() {
    let outcome = scripted(vec![Act::Close]);
    assert_eq!(explained(&outcome), "degraded tls.closed unknown");
    assert_eq!(text(&outcome, "/cause/who"), "service");
}

#[test]
fn a_bare_fin_during_the_hold_is_an_idle_timeout_of_low_confidence() {
    let outcome = scripted(vec![Act::HangUp]);
    assert_eq!(explained(&outcome), "fail tls.closed idle_timeout");
    assert_eq!(text(&outcome, "/cause/confidence"), "low");
    assert_eq!(text(&outcome, "/facts/hold/ended"), "cut");
}

#[test]
fn a_reset_during_the_hold_is_tls_reset() {
    let outcome = scripted(vec![Act::Reset]);
    assert_eq!(explained(&outcome), "fail tls.reset idle_timeout");
}

#[test]
fn a_connection_forgotten_on_the_way_or_at_its_end_is_an_idle_timeout_of_medium_confidence() {
    let outcome = forgetful(1, "auto");
    assert_eq!(explained(&outcome), "fail tls.timeout idle_timeout");
    assert_eq!(text(&outcome, "/cause/confidence"), "medium");
    assert!(text(&outcome, "/cause/fix").contains("30 minutes"));
    assert_eq!(outcome.one()["facts"]["hold"]["control_alive"], true);
}

#[test]
fn without_a_control_a_forgotten_connection_is_only_a_guess() {
    let outcome = forgetful(1, "never");
    assert_eq!(explained(&outcome), "fail tls.timeout idle_timeout");
    assert_eq!(text(&outcome, "/cause/confidence"), "low");
}

#[test]
fn a_service_that_answers_no_good_bye_proves_nothing() {
    let outcome = forgetful(9, "auto");
    assert_eq!(explained(&outcome), "degraded tls.timeout unknown");
    assert_eq!(outcome.one()["facts"]["hold"]["control_alive"], false);
}

#[test]
fn a_flood_on_an_idle_connection_is_not_the_services() {
    let outcome = scripted(vec![Act::Flood(vec![b'x'; 4096])]);
    assert_eq!(explained(&outcome), "fail push.not_origin unknown");
}

#[test]
fn the_deadline_grows_with_the_hold() {
    let public = Authority::new("Lab Public Root");
    let server = Server::tls(&public.leaf(&[TALK]), &[], vec![Act::Stall]);
    let args = ["--timeout", "0.25", "--hold", "1.5"];
    let outcome = tool().public(&public).args(args).check("fcm", TALK, server.port);
    assert_eq!(explained(&outcome), "pass - -");
}
