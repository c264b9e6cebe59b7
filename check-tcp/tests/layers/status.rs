//! What each status means, over TLS that proves who speaks and over plain HTTP that proves nothing.

use netcheck_lab::pki::Authority;
use netcheck_lab::view::{diagnosed, word};
use netcheck_lab::{Act, Server};

use crate::view::{Believes as _, NAME, QUICK, answer, genuine, page, plain, tool};

const FORTINET: &str = "<html><title>Web Filter Violation</title>Powered by FortiGuard</html>";
const POLICY: &str = "<p>Access to this site is blocked by network policy.</p>";

fn over_tls(status: &str, body: &str) -> String {
    diagnosed(&genuine(answer(page(status, body)), QUICK))
}

fn over_plain(status: &str, body: &str) -> String {
    diagnosed(&plain(answer(page(status, body)), QUICK))
}

#[test]
fn over_tls_whatever_the_service_says_was_let_through() {
    for status in [
        "200 OK",
        "204 No Content",
        "206 Partial Content",
        "301 Moved",
        "304 Not Modified",
        "400 Bad Request",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "405 Not Allowed",
        "426 Upgrade",
        "451 Unavailable",
    ] {
        assert_eq!(over_tls(status, ""), "pass - - - -", "{status}");
    }
}

#[test]
fn over_plain_http_success_redirects_and_not_found_pass() {
    for status in
        ["200 OK", "204 No Content", "301 Moved", "304 Not Modified", "400 Bad", "401 No", "404 Not Found"]
    {
        assert_eq!(over_plain(status, ""), "pass - - - -", "{status}");
    }
}

#[test]
fn over_plain_http_a_refusal_is_degraded() {
    for status in ["403 Forbidden", "451 Unavailable For Legal Reasons"] {
        assert_eq!(over_plain(status, ""), "degraded http.status unknown unknown low", "{status}");
    }
}

#[test]
fn status_511_is_a_portals() {
    let outcome = over_plain("511 Network Authentication Required", "");
    assert_eq!(outcome, "fail http.status captive_portal network medium");
}

#[test]
fn a_service_that_is_down_is_degraded_over_tls_and_fails_over_plain_http() {
    for status in ["500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable", "599 What"] {
        assert_eq!(over_tls(status, ""), "degraded http.status service_down service medium", "{status}");
        assert_eq!(over_plain(status, ""), "fail http.status service_down service low", "{status}");
    }
}

#[test]
fn too_many_requests_are_degraded() {
    assert_eq!(over_tls("429 Too Many Requests", ""), "degraded http.status service_down service low");
    assert_eq!(over_plain("429 Too Many Requests", ""), "degraded http.status service_down service low");
}

#[test]
fn a_proxy_nobody_configured_that_asks_for_credentials_is_http_proxy_auth() {
    assert_eq!(
        over_plain("407 Proxy Authentication Required", ""),
        "fail http.proxy_auth proxy_auth network medium"
    );
    let corporate = Authority::new("Corp Inspection CA");
    let acts = answer(page("407 Proxy Authentication Required", ""));
    let server = Server::tls(&corporate.leaf(&[NAME]), &["http/1.1"], acts);
    let opened = tool(QUICK).system(&corporate).check("https", server.port);
    assert_eq!(diagnosed(&opened), "fail http.proxy_auth proxy_auth network medium");
    // Nothing on the path can put an answer into intact TLS.
    assert_eq!(
        over_tls("407 Proxy Authentication Required", ""),
        "degraded http.proxy_auth service_misconfigured service medium"
    );
}

#[test]
fn a_block_page_over_tls_fails() {
    let outcome = genuine(answer(page("403 Forbidden", FORTINET)), QUICK);
    assert_eq!(diagnosed(&outcome), "fail http.status block_page network medium");
    assert!(word(outcome.one(), "/facts/http/page").contains("Fortinet"), "{outcome:?}");
    assert!(word(outcome.one(), "/failure/detail").contains("Fortinet"), "{outcome:?}");
    assert_eq!(over_tls("503 Service Unavailable", POLICY), "fail http.status block_page network medium");
}

#[test]
fn a_block_page_over_plain_http_fails_whatever_its_status() {
    for status in ["200 OK", "403 Forbidden", "451 Unavailable", "511 Network", "503 Service Unavailable"] {
        assert_eq!(over_plain(status, FORTINET), "fail http.status block_page network medium", "{status}");
    }
}

#[test]
fn a_block_page_is_known_by_a_header_too() {
    let acts = answer("HTTP/1.1 403 Forbidden\r\nServer: Zscaler/6.2\r\nContent-Length: 0\r\n\r\n");
    let outcome = genuine(acts.clone(), QUICK);
    assert_eq!(diagnosed(&outcome), "fail http.status block_page network medium");
    assert_eq!(diagnosed(&plain(acts, QUICK)), "fail http.status block_page network medium");
}

#[test]
fn a_page_of_the_service_that_speaks_of_blocking_passes_over_tls() {
    // A help page about firewalls is the service's own as long as it says 200.
    assert_eq!(over_tls("200 OK", FORTINET), "pass - - - -");
}

#[test]
fn a_log_in_page_is_a_captive_portal() {
    let portal = "<html><body>Welcome to our captive portal<LoginURL>x</LoginURL></body></html>";
    assert_eq!(over_plain("200 OK", portal), "fail http.status captive_portal network medium");
}

#[test]
fn http_1_0_is_http() {
    let old = || answer("HTTP/1.0 200 OK\r\n\r\nhello");
    let outcome = genuine(old(), QUICK);
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    assert_eq!(word(outcome.one(), "/facts/http/version"), "HTTP/1.0");
    assert_eq!(diagnosed(&plain(old(), QUICK)), "pass - - - -");
}

#[test]
fn informational_answers_are_passed_over() {
    let hints = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    assert_eq!(diagnosed(&genuine(answer(format!("{hints}{}", page("200 OK", ""))), QUICK)), "pass - - - -");
}

#[test]
fn headers_lose_the_power_of_their_escape_sequences() {
    let acts = answer(b"HTTP/1.1 200 OK\r\nServer: \xff\xe2\x80\xaeevil\tx\r\nContent-Length: 0\r\n\r\n");
    let outcome = plain(acts, QUICK);
    assert_eq!(word(outcome.one(), "/facts/http/server"), "\u{fffd}\\u{202e}evil\\tx");
}

#[test]
fn over_intercepted_tls_only_a_known_block_page_fails() {
    let corporate = Authority::new("Corp Inspection CA");
    for (body, expected) in [
        ("", "degraded tls.untrusted tls_inspection network medium"),
        (POLICY, "fail http.status block_page network medium"),
    ] {
        let leaf = corporate.leaf(&[NAME]);
        let server = Server::tls(&leaf, &["http/1.1"], answer(page("403 Forbidden", body)));
        assert_eq!(diagnosed(&tool(QUICK).system(&corporate).check("https", server.port)), expected);
    }
}

#[test]
fn an_answer_may_leave_the_connection_open() {
    let acts = vec![Act::until("\r\n\r\n"), Act::send(page("200 OK", "hello")), Act::Stall];
    assert_eq!(diagnosed(&genuine(acts, QUICK)), "pass - - - -");
}
