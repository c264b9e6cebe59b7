//! `--message`: how long a message took, and at which host it waited.

use netcheck_lab::dns::DnsServer;
use serde_json::json;

use crate::message::{read, summary};
use crate::messages::{Signer, carried, login};
use crate::tool;

#[test]
fn ten_minutes_of_greylisting_are_mail_delayed_at_the_host_that_did_it() {
    let signer = Signer::new();
    let hops = &[
        ("mail.spotme.com", 0),
        ("mx.example.net", 601),
        ("scan.example.net", 602),
        ("imap.example.net", 603),
    ];
    let record = read(&carried(&signer.sign(&login()), hops), signer.zone()).one().clone();
    insta::assert_json_snapshot!(summary(&record), @r#"
    {
      "verdict": "degraded",
      "failure": {
        "code": "mail.delayed",
        "detail": "the message took 603 s; 601 s of them between mail.spotme.com and mx.example.net"
      },
      "cause": "mail_gateway",
      "who": "network",
      "confidence": "low",
      "evidence": [
        "mail.spotme.com had the message 601 s before mx.example.net took it",
        "only clocks of one organisation, that of mx.example.net, show the end of the wait"
      ],
      "dkim": "valid"
    }
    "#);
    assert_eq!(record["facts"]["message"]["slowest"]["by"], "mx.example.net");
    assert_eq!(record["facts"]["message"]["total_s"], 603);
}

#[test]
fn a_gateway_that_tells_of_its_greylisting_is_believed_more() {
    let signer = Signer::new();
    let message = carried(&signer.sign(&login()), &[("mail.spotme.com", 0), ("mx.example.net", 605)]);
    let alone = read(&message, signer.zone()).one()["cause"]["confidence"].clone();
    let told = format!("X-Greylist: delayed 602 seconds by postgrey-1.36 at mx.example.net\r\n{message}");
    let record = read(&told, signer.zone()).one().clone();
    assert_eq!((alone, &record["cause"]["confidence"]), (json!("low"), &json!("medium")));
    assert_eq!(record["facts"]["message"]["greylisted_s"], 602);
}

#[test]
fn a_clock_that_is_wrong_is_not_a_delay() {
    let signer = Signer::new();
    let hops =
        &[("mail.spotme.com", 0), ("mx.example.net", 601), ("scan.example.net", 2), ("imap.example.net", 3)];
    let record = read(&carried(&signer.sign(&login()), hops), signer.zone()).one().clone();
    assert_eq!(record["verdict"], "pass");
    assert_eq!(record["facts"]["message"]["total_s"], 3);
    assert_eq!(
        record["facts"]["message"]["clock_skew"],
        json!([{ "hop": 2, "by": "mx.example.net", "seconds": 601 }])
    );
}

#[test]
fn a_message_that_outlives_its_link_fails() {
    let signer = Signer::new();
    let hops = &[("mail.spotme.com", 0), ("mx.example.net", 1801)];
    let outcome = read(&carried(&signer.sign(&login()), hops), signer.zone());
    let record = outcome.one();
    assert_eq!(record["verdict"], "fail");
    assert_eq!(record["failure"]["code"], "mail.delayed");
    assert_eq!(record["cause"]["code"], "mail_gateway");
    assert_eq!(record["cause"]["confidence"], "low");
    assert_eq!(outcome.code, 1);
}

#[test]
fn a_wait_at_the_sender_is_the_services_own() {
    let signer = Signer::new();
    let hops = &[("app.spotme.com", 0), ("mail.spotme.com", 300), ("mx.example.net", 301)];
    let record = read(&carried(&signer.sign(&login()), hops), signer.zone()).one().clone();
    assert_eq!(record["failure"]["code"], "mail.delayed");
    assert_eq!(record["cause"]["who"], "service");
}

#[test]
fn max_delay_moves_the_line() {
    let signer = Signer::new();
    let message = carried(&signer.sign(&login()), &[("mail.spotme.com", 0), ("mx.example.net", 60)]);
    let dns = DnsServer::start(signer.zone());
    let resolver = dns.addr.to_string();
    let args = ["--message", "m.eml", "--resolver", &resolver, "--max-delay"];
    let of = |seconds| tool().file("m.eml", &message).args(args).arg(seconds).run().one()["verdict"].clone();
    assert_eq!(of("59"), "degraded");
    assert_eq!(of("60"), "pass");
}
