//! Stand-ins that send without end, or one byte a second.

use std::time::Duration;

use netcheck_lab::pki::Authority;
use netcheck_lab::trial::check_beside_healthy;
use netcheck_lab::view::observed;
use netcheck_lab::{Act, Server};

use crate::fake_service::{API, Believes as _, Origin, TALK, tool, unauthenticated};

/// Checks a hostile service inside genuine TLS, and a healthy one beside it.
fn against(scheme: &str, host: &str, alpn: &[&str], acts: Vec<Act>) -> String {
    let public = Authority::new("Lab Public Root");
    let hostile = Server::tls(&public.leaf(&[host]), alpn, acts);
    let healthy = Origin::new(&public.leaf(&[API]), unauthenticated());
    let tool = tool().public(&public).args(["--hold", "0.3"]);
    observed(&check_beside_healthy(
        tool,
        &format!("{scheme}://{host}:{}", hostile.port),
        &format!("fcm-api://{API}:{}", healthy.port),
    ))
}

fn sender(acts: Vec<Act>) -> String {
    against("fcm-api", API, &["http/1.1"], [vec![Act::until("\r\n\r\n{}")], acts].concat())
}

fn flood(bytes: &[u8]) -> Act {
    Act::Flood(bytes.repeat((64_000 / bytes.len()).max(1)))
}

fn slowly(text: &str) -> Act {
    Act::SendSlowly(text.as_bytes().to_vec(), Duration::from_secs(1))
}

#[test]
fn answers_of_one_byte_a_second_are_http_timeout() {
    assert_eq!(sender(vec![slowly("HTTP/1.1 401 Unauthorized\r\n")]), "fail http.timeout");
    let head = Act::send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\n");
    assert_eq!(sender(vec![head, slowly(&"{".repeat(60))]), "fail http.timeout");
}

#[test]
fn heads_without_end_are_http_malformed() {
    assert_eq!(sender(vec![Act::send("HTTP/1.1 401 "), flood(b"U")]), "fail http.malformed");
    assert_eq!(
        sender(vec![Act::send("HTTP/1.1 401 No\r\n"), flood(b"X-A: aaaaaa\r\n")]),
        "fail http.malformed"
    );
}

#[test]
fn a_body_without_end_is_not_the_services() {
    let head = || Act::send("HTTP/1.1 401 Unauthorized\r\n\r\n");
    assert_eq!(sender(vec![head(), flood(b"[")]), "degraded push.not_origin");
    assert_eq!(sender(vec![head(), flood(b"{\"error\":")]), "degraded push.not_origin");
}

#[test]
fn words_of_a_service_are_harmless() {
    // The trial looks for what would harm a terminal.
    let body = r#"{"error":{"code":401,"status":"\u001b[2J\u202e\u0007"}}"#;
    let head = format!("HTTP/1.1 401 No\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    assert_eq!(sender(vec![Act::send(head), Act::Stall]), "pass -");
}

#[test]
fn a_courier_that_talks_without_end_is_not_the_services() {
    assert_eq!(against("fcm", TALK, &[], vec![flood(b"more")]), "fail push.not_origin");
}

#[test]
fn a_courier_that_drips_is_let_drip() {
    let end = against("fcm", TALK, &[], vec![slowly(&"x".repeat(60))]);
    assert!(end == "pass -" || end.contains("tls."), "{end}");
}
