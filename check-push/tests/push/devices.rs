//! What devices keep a connection to: `apns` and `fcm`.

use std::sync::{Arc, Mutex};

use netcheck_lab::pki::Authority;
use netcheck_lab::view::explained;
use netcheck_lab::{Act, Server, closed_port};

use crate::fake_service::{APNS, Believes as _, COURIER, HOST, TALK, passing, text, tool};

#[test]
fn a_courier_whose_chain_ends_in_apples_own_root_passes() {
    let apple = Authority::new("Lab Apple Root CA");
    let server =
        Server::tls(&apple.intermediate("Lab Apple Server CA").leaf(&[COURIER]), APNS, vec![Act::Stall]);
    let outcome = tool().apple(&apple).check("apns", HOST, server.port);
    insta::assert_json_snapshot!(passing(&outcome), @r#"
    {
      "verdict": "pass",
      "stages": [
        "tcp",
        "tls"
      ],
      "sni": "courier.push.apple.com",
      "alpn": "apns-security-v3",
      "trust": "public",
      "networks": {
        "owner": "apple",
        "prefix": "127.0.0.0/8",
        "block": "127.0.0.0/16"
      },
      "asn": 714,
      "reason": null
    }
    "#);
    assert_eq!(outcome.code, 0);
    assert_eq!(server.seen(), [b""], "the handshake is all: nothing is sent to a courier");
}

#[test]
fn a_courier_whose_chain_ends_in_a_public_root_passes() {
    let public = Authority::new("Lab Public Root");
    let server = Server::tls(&public.leaf(&[COURIER]), APNS, vec![Act::Stall]);
    let outcome = tool().public(&public).check("apns", HOST, server.port);
    assert_eq!(explained(&outcome), "pass - -");
}

#[test]
fn every_courier_is_asked_for_by_the_one_name_of_all() {
    let apple = Authority::new("Lab Apple Root CA");
    let names = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&names);
    let server = Server::tls_each(&apple.leaf(&[COURIER]), APNS, move |wire| {
        noted.lock().unwrap().push(wire.sni().unwrap_or_default());
    });
    for host in [HOST, "127.0.0.1"] {
        assert_eq!(explained(&tool().apple(&apple).check("apns", host, server.port)), "pass - -");
    }
    // Waits until the server has played both connections out.
    let _ = server.seen();
    assert_eq!(*names.lock().unwrap(), [COURIER, COURIER]);
}

#[test]
fn google_does_not_vouch_with_apples_root() {
    let apple = Authority::new("Lab Apple Root CA");
    let server = Server::tls(&apple.leaf(&[TALK]), &[], vec![Act::Stall]);
    let outcome = tool().apple(&apple).check("fcm", TALK, server.port);
    assert!(explained(&outcome).starts_with("fail tls.untrusted"), "{}", explained(&outcome));
}

#[test]
fn android_devices_find_google_behind_its_own_name() {
    let public = Authority::new("Lab Public Root");
    let server = Server::tls(&public.leaf(&[TALK]), &[], vec![Act::Stall]);
    let outcome = tool().public(&public).check("fcm", TALK, server.port);
    assert_eq!(explained(&outcome), "pass - -");
    assert_eq!(text(&outcome, "/facts/networks/owner"), "google");
    assert_eq!(outcome.one()["facts"]["asn"], 15169);
}

#[test]
fn interception_that_the_system_trusts_is_a_failure_all_the_same() {
    let inspector = Authority::new("Zscaler Intermediate Root CA");
    for (scheme, host, name) in [("apns", HOST, COURIER), ("fcm", TALK, TALK)] {
        let server = Server::tls(&inspector.leaf(&[name]), &[], vec![Act::Stall]);
        let outcome = tool().system(&inspector).check(scheme, host, server.port);
        assert_eq!(explained(&outcome), "fail tls.untrusted tls_inspection");
        assert_eq!(text(&outcome, "/cause/who"), "network");
        let fix = text(&outcome, "/cause/fix");
        assert!(fix.contains("Exempt") && fix.contains("decryption") && fix.contains(host), "{fix}");
        let evidence = outcome.one()["cause"]["evidence"].to_string();
        assert_eq!(evidence.matches("the issuer is that of Zscaler").count(), 1, "{evidence}");
        assert_eq!(outcome.code, 1);
    }
}

#[test]
fn a_certificate_that_nobody_trusts_is_not_yet_interception() {
    let nobody = Authority::new("Nobody");
    let server = Server::tls(&nobody.leaf(&[COURIER]), APNS, vec![Act::Stall]);
    let outcome = tool().check("apns", HOST, server.port);
    assert!(explained(&outcome).starts_with("fail tls.untrusted"), "{}", explained(&outcome));
    assert_ne!(text(&outcome, "/cause/confidence"), "high");
}

#[test]
fn each_port_is_a_record_of_its_own() {
    let public = Authority::new("Lab Public Root");
    let server = Server::tls(&public.leaf(&[TALK]), &[], vec![Act::Stall]);
    let ports = format!("{},{}", server.port, closed_port());
    let outcome = tool().public(&public).args(["--ordered", &format!("fcm://{TALK}:{ports}")]).run();
    let [open, closed] = &outcome.records[..] else { panic!("two records: {outcome:?}") };
    assert_eq!(open["verdict"], "pass");
    assert_ne!(closed["verdict"], "pass");
    assert_eq!(closed["failure"]["code"], "tcp.refused");
}
