//! What a whole run shows and no single tool can know.

use netcheck_record::cause::{Confidence, Reason, Who};
use netcheck_record::record::Verdict;
use serde_json::{Value, json};

use super::apply;
use crate::assess::tests::{observed, record};
use crate::records::Observation;

fn judged(records: &[Value]) -> Vec<Observation> {
    let mut observations = observed(records);
    apply(&mut observations);
    observations
}

fn reasons(records: &[Value]) -> Vec<Option<Reason>> {
    judged(records).iter().map(Observation::reason).collect()
}

fn silent(target: &str, address: &str, reason: &str) -> Value {
    record(
        "ingest",
        target,
        "fail",
        "tcp.timeout",
        reason,
        &json!({ "near": "10.20.0.1",
        "path": { "via": "direct", "address": address, "interface": "eth0" } }),
    )
}

fn passed(target: &str, address: &str) -> Value {
    record(
        "cdn",
        target,
        "pass",
        "",
        "",
        &json!({ "path": { "via": "direct", "address": address, "interface": "eth0" } }),
    )
}

#[test]
fn silence_beside_a_service_that_was_reached_is_a_drop_somewhere() {
    let records = [
        silent("rtmps://a:10000", "52.28.30.1:10000", "offline"),
        passed("https://b:443", "99.86.91.11:443"),
    ];
    let one = &judged(&records)[0];
    assert_eq!((one.reason(), one.near()), (Some(Reason::FirewallDrop), "10.20.0.1".parse().ok()));
    let evidence = &one.detail.as_ref().unwrap().evidence;
    assert_eq!(evidence.last().map(String::as_str), Some("other services were reached in the same run"));
}

#[test]
fn another_family_another_interface_and_a_neighbour_prove_nothing() {
    let tunnel = record(
        "cdn",
        "https://b:443",
        "pass",
        "",
        "",
        &json!({ "path": { "via": "direct",
        "address": "99.86.91.11:443", "interface": "tun0" } }),
    );
    for other in
        [passed("https://b:443", "[2a00:1450::1]:443"), passed("https://b:443", "192.168.1.9:443"), tunnel]
    {
        let records = [silent("rtmps://a:10000", "52.28.30.1:10000", "offline"), other];
        assert_eq!(reasons(&records)[0], Some(Reason::Offline), "{records:?}");
    }
}

#[test]
fn silence_beside_a_working_proxy_is_a_firewall_that_lets_only_the_proxy_out() {
    let proxied = record("cdn", "https://b:443", "pass", "", "", &json!({ "path": { "via": "proxy" } }));
    assert_eq!(
        reasons(&[silent("apns://a:5223", "17.0.0.1:5223", "offline"), proxied])[0],
        Some(Reason::FirewallDrop)
    );
}

#[test]
fn a_clock_that_is_proven_wrong_explains_the_same_fault_elsewhere_and_no_other() {
    let clock = record(
        "core",
        "https://a:443",
        "fail",
        "tls.expired",
        "clock_skew",
        &json!({ "confidence": "high" }),
    );
    let other = |code: &str, confidence: &str| {
        record(
            "apns",
            "apns://b:5223",
            "fail",
            code,
            "service_misconfigured",
            &json!({ "confidence": confidence, "who": "service" }),
        )
    };
    assert_eq!(reasons(&[clock.clone(), other("tls.expired", "low")])[1], Some(Reason::ClockSkew));
    assert_eq!(
        reasons(&[clock.clone(), other("tls.expired", "high")])[1],
        Some(Reason::ServiceMisconfigured)
    );
    assert_eq!(
        reasons(&[clock.clone(), other("tls.name_mismatch", "low")])[1],
        Some(Reason::ServiceMisconfigured)
    );
    // One answer of the same host agreed with this machine's clock, the others did not.
    let same_host = record(
        "core",
        "wss://a:443",
        "fail",
        "tls.expired",
        "service_misconfigured",
        &json!({ "confidence": "high", "who": "service" }),
    );
    assert_eq!(reasons(&[clock, same_host]), [Some(Reason::ClockSkew); 2]);
}

#[test]
fn a_port_that_is_idle_at_a_block_page_is_the_resolvers_doing() {
    let page = record(
        "core",
        "https://a:443",
        "fail",
        "tls.name_mismatch",
        "dns_hijack",
        &json!({ "who": "dns",
        "path": { "via": "direct", "address": "146.112.61.106:443" } }),
    );
    let idle = record(
        "ingest",
        "rtmps://b:10000",
        "degraded",
        "tcp.refused",
        "port_idle",
        &json!({ "who": "service",
        "path": { "via": "direct", "address": "146.112.61.106:10000" } }),
    );
    let one = judged(&[page, idle]).remove(1);
    assert_eq!(
        (one.verdict, one.reason(), one.cause.as_ref().map(|cause| cause.who)),
        (Verdict::Fail, Some(Reason::DnsHijack), Some(Who::Dns))
    );
}

#[test]
fn one_certificate_for_three_services_is_a_device_in_their_place() {
    let impostor = |row: &str, host: &str| {
        record(
            row,
            &format!("https://{host}:443"),
            "fail",
            "tls.name_mismatch",
            "service_misconfigured",
            &json!({
            "who": "service", "confidence": "low", "path": { "via": "direct" }, "facts": { "tls": { "sha256": "6eb7" } } }),
        )
    };
    let three = [
        impostor("core", "www.spotme.com"),
        impostor("charts", "code.highcharts.com"),
        impostor("fcm", "g.co"),
    ];
    assert_eq!(reasons(&three), [Some(Reason::TransparentProxy); 3]);
    assert_eq!(reasons(&three[..2]), [Some(Reason::ServiceMisconfigured); 2]);
    let portal = record(
        "controls",
        "http://captive.apple.com:80/",
        "fail",
        "http.redirect_foreign",
        "captive_portal",
        &json!({ "confidence": "high", "path": { "via": "direct" } }),
    );
    assert_eq!(reasons(&[&three[..], &[portal]].concat()), [Some(Reason::CaptivePortal); 4]);
}

#[test]
fn silence_beyond_the_block_of_others_proves_nothing() {
    let udp = |target: &str, verdict: &str, near: &str| {
        record(
            "studio-video",
            target,
            verdict,
            "udp.timeout",
            "udp_blocked",
            &json!({ "confidence": "high", "near": near,
            "path": { "via": "direct" }, "known_to_answer": verdict != "inconclusive" }),
        )
    };
    let doubted = |near: &str| {
        judged(&[udp("stun://a:443", "inconclusive", "10.20.0.1"), udp("stun://b:19302", "fail", near)])[0]
            .confidence()
    };
    assert_eq!(doubted("10.30.0.2"), Some(Confidence::Low));
    assert_eq!(doubted("10.20.0.1"), Some(Confidence::High));
}

#[test]
fn a_private_authority_that_signs_for_two_unrelated_services_is_on_the_way_to_both() {
    let signed = |host: &str, address: &str, tls: &Value| {
        record(
            "core",
            &format!("https://{host}:443"),
            "fail",
            "tls.untrusted",
            "unknown",
            &json!({ "who": "unknown", "confidence": "low", "path": { "via": "direct", "address": address },
                "facts": { "tls": tls } }),
        )
    };
    let by = |issuer: &str, subject: &str| json!({ "issuer": issuer, "subject": subject, "sha256": subject, "trust": "none" });
    let here = || signed("www.spotme.com", "18.195.10.11:443", &by("Issuing CA 7", "www.spotme.com"));
    let there = |tls: &Value| signed("code.highcharts.com", "104.26.8.101:443", tls);
    let both = [here(), there(&by("Issuing CA 7", "code.highcharts.com"))];
    assert_eq!(reasons(&both), [Some(Reason::TlsInspection); 2]);
    let reversed = [both[1].clone(), both[0].clone()];
    assert_eq!(reasons(&reversed), [Some(Reason::TlsInspection); 2]);
    // Two names of one service, another authority, and services that each sign for themselves.
    let own = signed("eu.spotme.com", "18.195.10.12:443", &by("Issuing CA 7", "eu.spotme.com"));
    assert_eq!(reasons(&[here(), own]), [Some(Reason::Unknown); 2]);
    assert_eq!(reasons(&[here(), there(&by("Another CA", "x"))]), [Some(Reason::Unknown); 2]);
    let factory = [
        signed("a.example.com", "192.0.2.1:443", &by("localhost", "localhost")),
        signed("b.example.net", "192.0.2.2:443", &by("localhost", "localhost")),
    ];
    assert_eq!(reasons(&factory), [Some(Reason::Unknown); 2]);
}
