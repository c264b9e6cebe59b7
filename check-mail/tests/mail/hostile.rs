//! Gateways that talk without end or one byte a second, and resolvers that answer at length.

use std::time::Duration;

use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::pki::Authority;
use netcheck_lab::script::{Act, Server};
use netcheck_lab::trial::check_beside_healthy;
use netcheck_lab::view::observed;
use serde_json::Value;

use crate::gateway::{Post, gateway};
use crate::sender::{dkim, dmarc, host, spf};
use crate::tool;

const EHLO: &str = "250-mx.example.net\r\n250 SIZE 1000\r\n";

/// Checks a hostile gateway, and a healthy one beside it.
fn against(acts: Vec<Act>) -> String {
    let authority = Authority::new("Lab Root");
    let healthy = gateway(Post::default(), Some(&authority.leaf(&["127.0.0.1"])));
    let hostile = Server::tcp(acts);
    let tool = tool().file("public.pem", authority.pem()).args(["--public-roots", "public.pem"]);
    let record = check_beside_healthy(
        tool.args(["--recipient", "jane.doe@example.net", "--helo", "client.example.net"]),
        &format!("smtp://127.0.0.1:{}", hostile.port),
        &format!("smtp://127.0.0.1:{}", healthy.port()),
    );
    observed(&record)
}

fn slowly(text: &str) -> Act {
    Act::SendSlowly(text.as_bytes().to_vec(), Duration::from_secs(1))
}

/// A gateway up to its answer to this command.
fn greeted(then: impl IntoIterator<Item = Act>) -> Vec<Act> {
    let mut acts = vec![Act::send("220 mx.example.net ESMTP\r\n"), Act::until("\r\n")];
    acts.extend(then);
    acts
}

fn flood(text: &str) -> Act {
    Act::Flood(text.repeat((64_000 / text.len()).max(1)).into_bytes())
}

#[test]
fn answers_of_one_byte_a_second_are_smtp_timeout() {
    assert_eq!(against(vec![slowly("220 mx.example.net ESMTP\r\n")]), "fail smtp.timeout");
    assert_eq!(against(greeted([slowly(EHLO)])), "fail smtp.timeout");
    let mail = greeted([Act::send(EHLO), Act::until("\r\n"), slowly("250 2.1.0 Ok\r\n")]);
    assert_eq!(against(mail), "fail smtp.timeout");
}

#[test]
fn replies_sent_before_their_commands_prove_nothing() {
    let all = format!("220 mx.example.net ESMTP\r\n{EHLO}250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n");
    assert_eq!(against(vec![Act::send(&all), Act::until("\r\n")]), "fail smtp.rejected");
}

#[test]
fn a_banner_without_end_ends() {
    for text in ["220 all work and no play ", "220-more\r\n", "\u{fe}\u{ff}", "\r\n", "220 mx\r\n"] {
        let end = against(vec![flood(text)]);
        assert!(end.starts_with("fail smtp.") || end.starts_with("degraded smtp."), "{text}: {end}");
    }
}

#[test]
fn an_answer_of_lines_without_end_ends() {
    let end = against(greeted([flood("250-EXTENSION AFTER EXTENSION\r\n")]));
    assert!(end.starts_with("fail smtp."), "{end}");
}

#[test]
fn answers_nobody_asked_for_end() {
    let end = against(greeted([Act::send(EHLO), flood("250 2.0.0 Ok\r\n")]));
    assert!(end.contains("smtp.") || end == "pass -", "{end}");
}

#[test]
fn words_of_a_gateway_are_harmless() {
    // The trial looks for what would harm a terminal.
    let evil = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}\u{9b}31m";
    for acts in [
        vec![
            Act::send(format!("220 {evil}\r\n")),
            Act::until("\r\n"),
            Act::send(format!("550 5.7.1 {evil}\r\n")),
            Act::Stall,
        ],
        vec![Act::send(format!("554 {evil}\r\n")), Act::Close],
    ] {
        let end = against(acts);
        assert!(end.contains("smtp."), "{end}");
    }
}

/// Asks for the identity of a hostile domain, and of a healthy one beside it.
fn sender(zone: Zone) -> Value {
    let healthy = dmarc(host(dkim(spf(zone))));
    let server = DnsServer::start(healthy);
    let tool = tool().args(["--resolver", &server.addr.to_string()]);
    let record = check_beside_healthy(tool, "sender://bad.example", "sender://spotme.com");
    assert!(server.queries().len() < 200, "{} questions", server.queries().len());
    record
}

#[test]
fn records_that_send_one_on_without_end_are_not_followed() {
    let circle = Zone::new()
        .txt("bad.example", "v=spf1 include:a.example redirect=b.example")
        .txt("a.example", "v=spf1 include:bad.example include:a.example -all")
        .txt("b.example", "v=spf1 redirect=bad.example");
    assert!(observed(&sender(circle)).contains("mail."), "an SPF record that never ends is no good one");
    let chain = (0..1000)
        .fold(Zone::new().txt("bad.example", "v=spf1 include:n0.example -all"), |zone, n| {
            zone.txt(&format!("n{n}.example"), &format!("v=spf1 include:n{}.example -all", n + 1))
        });
    assert!(observed(&sender(chain)).contains("mail."));
}

#[test]
fn a_record_of_sixty_kilobytes_is_read_and_cut() {
    let wide = (0..3000).fold("v=spf1".to_owned(), |text, n| format!("{text} include:n{n}.example"));
    let record = sender(Zone::new().txt("bad.example", &wide));
    assert!(observed(&record).contains("mail.") || observed(&record).contains("dns."), "{record}");
}
