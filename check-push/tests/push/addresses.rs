//! Addresses held against the networks of Apple and Google.

use std::io::{Read as _, Write as _};

use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::pki::Authority;
use netcheck_lab::tool::Tool;
use netcheck_lab::view::explained;
use netcheck_lab::{Act, Server};

use crate::fake_service::{APNS, Believes as _, COURIER, HOST, TALK, elsewhere, text};

#[test]
fn a_genuine_courier_outside_apples_networks_is_degraded() {
    let apple = Authority::new("Lab Apple Root CA");
    let server = Server::tls(&apple.leaf(&[COURIER]), APNS, vec![Act::Stall]);
    let outcome = elsewhere().apple(&apple).check("apns", HOST, server.port);
    assert_eq!(explained(&outcome), "degraded push.wrong_network unknown");
    assert!(text(&outcome, "/failure/detail").contains("127.0.0.1 is not in 17.0.0.0/8"));
    assert_eq!(outcome.one()["facts"]["networks"], serde_json::json!({"block": "127.0.0.0/16"}));
    assert_eq!(outcome.code, 0);
}

#[test]
fn goog_json_speaks_for_google_alone() {
    let goog = r#"{"syncToken":"1","prefixes":[{"ipv4Prefix":"127.0.0.0/8"}]}"#;
    let public = Authority::new("Lab Public Root");
    let server = Server::tls(&public.leaf(&[TALK, COURIER]), &[], vec![Act::Stall]);
    let check = |scheme: &str, host: &str| {
        let tool = elsewhere().public(&public).file("goog.json", goog).args(["--networks", "goog.json"]);
        explained(&tool.check(scheme, host, server.port))
    };
    assert_eq!(check("fcm", TALK), "pass - -");
    assert_eq!(check("apns", HOST), "degraded push.wrong_network unknown");
}

#[test]
fn through_a_proxy_no_address_is_judged() {
    let apple = Authority::new("Lab Apple Root CA");
    let config = apple.leaf(&[COURIER]).server_config(APNS);
    let proxy = Server::raw(move |mut socket| {
        let mut head = [0; 2048];
        let _ = socket.read(&mut head);
        let _ = socket.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
        // Behind the tunnel, in one: the courier. Its handshake is all there is to see.
        let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
        let _ = tls.complete_io(&mut socket);
        let _ = socket.read(&mut head);
    });
    let tool = elsewhere().apple(&apple).args(["--proxy", &format!("http://127.0.0.1:{}", proxy.port)]);
    let outcome = tool.check("apns", HOST, 5223);
    assert_eq!(explained(&outcome), "pass - -");
    assert_eq!(outcome.one()["facts"].get("networks"), None);
}

/// A courier of a name that no public rule is about, which this resolver sends to loopback.
fn resolved(tool: Tool, server: &Server) -> netcheck_lab::tool::Outcome {
    let dns = DnsServer::start(Zone::new().a("courier.test", &["127.0.0.1"]));
    tool.args(["--resolver", &dns.addr.to_string(), &format!("apns://courier.test:{}", server.port)]).run()
}

#[test]
fn a_resolver_that_sends_devices_to_an_imposter_is_named() {
    let server = Server::tls(&Authority::new("Nobody").leaf(&[COURIER]), APNS, vec![Act::Stall]);
    let outcome = resolved(elsewhere(), &server);
    assert_eq!(explained(&outcome), "fail tls.untrusted dns_hijack");
    assert_eq!(
        (text(&outcome, "/cause/who"), text(&outcome, "/cause/confidence")),
        ("dns".into(), "medium".into())
    );
    assert_eq!(text(&outcome, "/cause/near"), "127.0.0.1");
    assert!(text(&outcome, "/cause/fix").contains("17.0.0.0/8"));
}

#[test]
fn an_imposter_in_the_right_network_is_not_the_resolvers_doing() {
    let server = Server::tls(&Authority::new("Nobody").leaf(&[COURIER]), APNS, vec![Act::Stall]);
    let outcome = resolved(crate::fake_service::tool(), &server);
    assert_eq!(text(&outcome, "/failure/code"), "tls.untrusted");
    assert_ne!(text(&outcome, "/cause/code"), "dns_hijack");
}
