//! Resolvers that answer in circles, at length, or to questions nobody asked.

use std::net::SocketAddr;

use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::view::observed;
use netcheck_lab::{UdpServer, closed_port};
use serde_json::Value;

use crate::trial::{check_beside_healthy, tool};

fn ask(resolver: SocketAddr, target: &str) -> Value {
    check_beside_healthy(tool().args(["--resolver", &resolver.to_string()]), target)
}

#[test]
fn aliases_in_a_circle_are_no_address() {
    let zone = Zone::new()
        .cname("a.example.com", "b.example.com")
        .cname("b.example.com", "c.example.com")
        .cname("c.example.com", "a.example.com")
        .cname("self.example.com", "self.example.com");
    let server = DnsServer::start(zone);
    for name in ["a", "self"] {
        let record = ask(server.addr, &format!("tls://{name}.example.com"));
        assert_eq!(observed(&record), "fail dns.no_address", "{name}");
    }
    assert!(server.queries().len() < 80, "{}", server.queries().len());
}

#[test]
fn a_chain_of_a_thousand_aliases_is_not_followed_to_its_end() {
    let zone = (0..1000).fold(Zone::new(), |zone, number| {
        zone.cname(&format!("n{number}.example.com"), &format!("n{}.example.com", number + 1))
    });
    let server = DnsServer::start(zone.a("n1000.example.com", &["127.0.0.1"]));
    let record = ask(server.addr, "tls://n0.example.com");
    assert_eq!(observed(&record).split('.').next(), Some("fail dns"), "{record}");
    assert!(server.queries().len() < 80, "{}", server.queries().len());
    assert!(record["facts"]["dns"]["aliases"].as_array().is_none_or(|aliases| aliases.len() <= 64));
}

#[test]
fn of_ten_thousand_addresses_a_few_are_tried() {
    // A message holds four thousand: RFC 1035 gives it 64 KiB.
    let addresses: Vec<String> =
        (0..4000).map(|number| format!("127.1.{}.{}", number / 250, number % 250 + 1)).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let server = DnsServer::start(Zone::new().truncated("many.test", &addresses));
    let record = ask(server.addr, &format!("tcp://many.test:{}", closed_port()));
    // Refused by this machine itself: that is an idle port, not a filter.
    assert_eq!(observed(&record), "degraded tcp.refused");
    assert_eq!(record["facts"]["dns"]["addresses"].as_array().unwrap().len(), 64);
}

/// A question turned into the beginning of an answer that announces so many records.
fn announcing(question: &[u8], answers: u16) -> Vec<u8> {
    let mut reply = question.to_vec();
    reply[2] |= 0x80;
    reply[6..8].copy_from_slice(&answers.to_be_bytes());
    // Without the EDNS record at the end.
    reply[10..12].copy_from_slice(&[0, 0]);
    reply.truncate(reply.len() - 11);
    reply
}

#[test]
fn names_that_point_at_themselves_are_dns_malformed() {
    let server = UdpServer::new(|question, _| {
        let mut reply = announcing(question, 1);
        let at = u8::try_from(reply.len()).unwrap();
        reply.extend([0xc0, at, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
        vec![reply]
    });
    assert_eq!(observed(&ask(server.addr, "tls://loop.example.com")), "fail dns.malformed");
}

#[test]
fn records_that_were_announced_and_never_come_are_dns_malformed() {
    let server = UdpServer::new(|question, _| vec![announcing(question, u16::MAX)]);
    assert_eq!(observed(&ask(server.addr, "tls://short.example.com")), "fail dns.malformed");
}

#[test]
fn noise_is_dns_malformed() {
    let server = UdpServer::new(|question, _| vec![[&question[..2], &[0xff; 500]].concat()]);
    assert_eq!(observed(&ask(server.addr, "tls://noise.example.com")), "fail dns.malformed");
}

#[test]
fn answers_to_other_questions_are_dns_timeout() {
    let server = UdpServer::new(|question, _| {
        let mut reply = announcing(question, 0);
        reply[0] ^= 0xff;
        vec![reply; 2000]
    });
    assert_eq!(observed(&ask(server.addr, "tls://other.example.com")), "fail dns.timeout");
}

#[test]
fn words_of_the_resolver_are_harmless() {
    let text = format!("\u{1b}[2Jblocked\u{202e}\r\n{}", "x".repeat(300));
    let server = DnsServer::start(Zone::new().ede("filtered.example.com", 3, 17, &text));
    let record = ask(server.addr, "tls://filtered.example.com");
    assert_eq!(observed(&record), "fail dns.nxdomain");
    let text = record["facts"]["dns"]["extended_errors"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("\\u{1b}[2Jblocked\\u{202e}\\r\\nxxx"), "{text}");
}
