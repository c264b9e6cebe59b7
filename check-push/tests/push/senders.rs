//! Where senders hand in notifications: `apns-provider` and `fcm-api`.

use netcheck_lab::pki::Authority;
use netcheck_lab::tool::Outcome;
use netcheck_lab::view::explained;
use netcheck_lab::{Act, Server};

use crate::fake_service::{
    API, Believes as _, Origin, PROVIDER, Says, missing_token, page, passing, text, tool, unauthenticated,
};

fn genuine(scheme: &str, host: &str, says: Says) -> Outcome {
    let public = Authority::new("Lab Public Root");
    let origin = Origin::new(&public.leaf(&[host]), says);
    tool().public(&public).check(scheme, host, origin.port)
}

fn inspected(says: Says) -> Outcome {
    let inspector = Authority::new("Lab Inspector");
    let origin = Origin::new(&inspector.leaf(&[PROVIDER]), says);
    tool().system(&inspector).check("apns-provider", PROVIDER, origin.port)
}

/// A server of HTTP/1.1 in the place of Google's, playing this after the request.
fn http1(acts: Vec<Act>) -> Outcome {
    let public = Authority::new("Lab Public Root");
    let acts = [vec![Act::until("\r\n\r\n{}")], acts].concat();
    let server = Server::tls(&public.leaf(&[API]), &["http/1.1"], acts);
    tool().public(&public).args(["--timeout", "0.7", "--diagnose", "never"]).check(
        "fcm-api",
        API,
        server.port,
    )
}

#[test]
fn apple_asking_for_a_provider_token_passes() {
    let public = Authority::new("Lab Public Root");
    let origin = Origin::new(&public.leaf(&[PROVIDER]), missing_token());
    let outcome = tool().public(&public).check("apns-provider", PROVIDER, origin.port);
    insta::assert_json_snapshot!(passing(&outcome), @r#"
    {
      "verdict": "pass",
      "stages": [
        "tcp",
        "tls",
        "http"
      ],
      "sni": "api.push.apple.com",
      "alpn": "h2",
      "trust": "public",
      "networks": {
        "owner": "apple",
        "prefix": "127.0.0.0/8",
        "block": "127.0.0.0/16"
      },
      "asn": 714,
      "reason": "MissingProviderToken"
    }
    "#);
    let path = format!("https://{PROVIDER}:{}/3/device/{}", origin.port, "0".repeat(64));
    assert_eq!(origin.asked(), [format!("POST {path}")]);
}

#[test]
fn google_asking_for_credentials_passes_over_h2_and_over_http1() {
    let outcome = genuine("fcm-api", API, unauthenticated());
    assert_eq!(explained(&outcome), "pass - -");
    assert_eq!(text(&outcome, "/facts/reason"), "UNAUTHENTICATED");
    let says = unauthenticated();
    let answer =
        format!("HTTP/1.1 401 Unauthorized\r\ncontent-length: {}\r\n\r\n{}", says.body.len(), says.body);
    assert_eq!(explained(&http1(vec![Act::send(answer), Act::Stall])), "pass - -");
}

#[test]
fn another_answer_through_intact_tls_is_the_services_doing() {
    for says in [page(200, "<h1>It works!</h1>"), Says { headers: Vec::new(), ..missing_token() }] {
        let outcome = genuine("apns-provider", PROVIDER, says);
        assert_eq!(explained(&outcome), "degraded push.not_origin unknown");
        assert_eq!(text(&outcome, "/cause/who"), "service");
    }
    assert_eq!(explained(&genuine("fcm-api", API, page(401, "Log in"))), "degraded push.not_origin unknown");
}

#[test]
fn trouble_of_the_service_itself_is_degraded() {
    let outcome = genuine("apns-provider", PROVIDER, Says { status: 503, ..missing_token() });
    assert_eq!(explained(&outcome), "degraded http.status service_down");
    assert_eq!(explained(&genuine("fcm-api", API, page(500, ""))), "degraded http.status service_down");
}

#[test]
fn a_block_page_fails_whoever_signed_for_it() {
    let outcome = genuine("fcm-api", API, page(403, "<title>Web Page Blocked</title>"));
    assert_eq!(explained(&outcome), "fail push.not_origin block_page");
    assert!(text(&outcome, "/cause/fix").contains(API));
}

#[test]
fn a_proxy_nobody_configured_is_http_proxy_auth() {
    let outcome = genuine("fcm-api", API, page(407, ""));
    assert!(explained(&outcome).starts_with("fail http.proxy_auth"), "{}", explained(&outcome));
}

#[test]
fn interception_of_a_sender_that_lets_apple_answer_is_degraded() {
    assert_eq!(explained(&inspected(missing_token())), "degraded tls.untrusted tls_inspection");
}

#[test]
fn interception_that_answers_itself_is_a_failure() {
    assert_eq!(explained(&inspected(page(200, "welcome"))), "fail push.not_origin tls_inspection");
    assert_eq!(explained(&inspected(page(503, "bad gateway"))), "fail http.status tls_inspection");
}

#[test]
fn whoever_does_not_agree_on_h2_is_not_apples_provider_side() {
    let public = Authority::new("Lab Public Root");
    for alpn in [&[][..], &["http/1.1"]] {
        let origin = Origin::speaking(alpn, &public.leaf(&[PROVIDER]), missing_token());
        let outcome = tool().public(&public).check("apns-provider", PROVIDER, origin.port);
        assert!(explained(&outcome).starts_with("fail tls.alpn"), "{}", explained(&outcome));
    }
    let inspector = Authority::new("Lab Inspector");
    let origin = Origin::speaking(&[], &inspector.leaf(&[PROVIDER]), missing_token());
    let outcome = tool().system(&inspector).check("apns-provider", PROVIDER, origin.port);
    assert_eq!(explained(&outcome), "fail tls.alpn tls_inspection");
}

#[test]
fn every_other_end_of_the_request_has_its_code() {
    for (acts, code) in [
        (vec![Act::Stall], "http.timeout"),
        (vec![Act::Reset], "http.reset"),
        (vec![Act::Close], "http.closed"),
        (vec![Act::send("* OK IMAP4 ready\r\n\r\n"), Act::Stall], "http.malformed"),
    ] {
        let outcome = http1(acts);
        assert_eq!(text(&outcome, "/failure/code"), code);
        assert_eq!(text(&outcome, "/verdict"), "fail");
    }
}
