//! check-mail against the servers people run: postfix and exim as the gateway, opendkim as the signer, postgrey and opendmarc
//! as filters (Debian packages: packages.txt and packages-unpacked.txt).
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test ends the test")]
#![expect(clippy::disallowed_methods, reason = "a filter is ready when its port answers")]

mod exim;
mod filters;
mod started;

use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::pki::Authority;
use netcheck_lab::tool::Tool;
use serde_json::Value;

use exim::Exim;
use filters::{Opendkim, Opendmarc, Postgrey};
use started::{Postfix, Sink, send};

const MESSAGE: &str = "From: SpotMe <noreply@spotme.com>\r\nTo: jane.doe@example.net\r\nSubject: Your link\r\n\
    Date: Sun, 22 Nov 2026 07:00:00 +0000\r\nMessage-ID: <1@mail.spotme.com>\r\n\r\n\
    Log in: https://app.spotme.com/login/TOKEN\r\nRegards.\r\n";

fn tool() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_check-mail"))
}

/// Sends the message through a postfix that signs and one that receives, and reads what arrives behind them.
fn travel(gateway: &[&str]) -> Value {
    let sink = Sink::start();
    let receiving = Postfix::start("mx.example.net", sink.port, gateway);
    travel_to(receiving.port, &sink)
}

/// Sends the message through a postfix that signs and the gateway on that port, and reads what arrives behind them.
fn travel_to(gateway: u16, sink: &Sink) -> Value {
    let signer = Opendkim::start("spotme.com", "mandrill");
    let milter = format!("smtpd_milters = inet:127.0.0.1:{}", signer.port);
    let retries = "minimal_backoff_time = 2s\nmaximal_backoff_time = 2s\nqueue_run_delay = 1s";
    let sending = Postfix::start("mail.spotme.com", gateway, &[&milter, retries]);
    send(sending.port, "bounces@mail.spotme.com", "jane.doe@example.net", MESSAGE);
    let arrived = sink.message();

    let dns = DnsServer::start(Zone::new().txt("mandrill._domainkey.spotme.com", &signer.record()));
    let outcome = tool()
        .file("arrived.eml", arrived)
        .args(["--message", "arrived.eml", "--resolver", &dns.addr.to_string()])
        .run();
    assert!(!outcome.stdout.contains("jane.doe") && !outcome.stdout.contains("TOKEN"), "{}", outcome.stdout);
    outcome.one().clone()
}

#[test]
fn real_mail_signed_by_opendkim_arrives_valid_and_its_hops_are_read() {
    let record = travel(&[]);
    assert_eq!(record["verdict"], "pass", "{record}");
    let facts = &record["facts"]["message"];
    assert_eq!(facts["dkim"][0]["result"], "valid");
    assert_eq!(facts["dkim"][0]["selector"], "mandrill");
    assert_eq!(facts["route"][0]["by"], "mail.spotme.com");
    assert_eq!(facts["route"][1]["by"], "mx.example.net");
    assert!(facts["total_s"].as_i64().is_some_and(|total| (0..60).contains(&total)), "{facts}");
}

#[test]
fn real_postfix_that_rewrites_a_line_is_mail_body_changed() {
    let record = travel(&["body_checks = regexp:$config_directory/body_checks"]);
    assert_eq!(record["verdict"], "degraded", "{record}");
    assert_eq!(record["failure"]["code"], "mail.body_changed");
    assert_eq!(record["cause"]["code"], "mail_gateway");
}

#[test]
fn real_postfix_that_marks_the_subject_is_mail_dkim_invalid() {
    let record = travel(&["header_checks = regexp:$config_directory/header_checks"]);
    assert_eq!(record["failure"]["code"], "mail.dkim_invalid", "{record}");
    assert_eq!(record["facts"]["message"]["dkim"][0]["result"], "header_changed");
}

/// Asks a postfix for a recipient, and returns the record beside what postfix logged.
fn ask(settings: &[&str]) -> (Value, String) {
    let sink = Sink::start();
    let authority = Authority::new("Lab Root");
    let postfix = Postfix::with_tls("mx.example.net", sink.port, settings, &authority.leaf(&["127.0.0.1"]));
    let record = ask_port(postfix.port, &authority);
    let log = postfix.stop();
    assert!(!log.contains("postfix/cleanup"), "a message was queued: {log}");
    (record, log)
}

/// Asks an exim whose access list for recipients begins so.
fn ask_exim(rcpt: &str) -> Value {
    let authority = Authority::new("Lab Root");
    let exim = Exim::start(Sink::start().port, rcpt, &authority.leaf(&["127.0.0.1"]));
    ask_port(exim.port, &authority)
}

fn ask_port(port: u16, authority: &Authority) -> Value {
    let tool = tool();
    let roots = authority.write(tool.dir());
    let outcome = tool
        .args(["--recipient", "jane.doe@example.net", "--helo", "client.example.org", "--public-roots"])
        .arg(roots)
        .arg(format!("smtp://127.0.0.1:{port}"))
        .run();
    outcome.one().clone()
}

#[test]
fn real_postfix_takes_the_recipient_over_tls_and_gets_no_message() {
    let (record, log) = ask(&[]);
    assert_eq!(record["verdict"], "pass", "{record}\n{log}");
    assert_eq!(record["facts"]["smtp"]["recipient"]["status"], "250 2.1.5");
    assert_eq!(record["facts"]["tls"]["version"], "TLS 1.3");
    assert!(log.contains("ehlo=2 starttls=1 mail=1 rcpt=1 quit=1"), "{log}");
}

#[test]
fn real_postfix_that_defers_is_degraded() {
    let (record, log) =
        ask(&["smtpd_recipient_restrictions = check_recipient_access static:{451 4.7.1 Greylisted}"]);
    assert_eq!(record["verdict"], "degraded", "{record}\n{log}");
    assert_eq!(record["facts"]["smtp"]["recipient"]["status"], "451 4.7.1");
}

#[test]
fn real_postfix_that_rejects_is_smtp_rejected() {
    let (record, log) = ask(&["smtpd_recipient_restrictions = reject"]);
    assert_eq!(record["failure"]["code"], "smtp.rejected", "{record}\n{log}");
    assert_eq!(record["verdict"], "fail");
    assert!(log.contains("quit=1"), "{log}");
}

#[test]
fn real_postgrey_is_greylisting() {
    let postgrey = Postgrey::start();
    let (record, log) = ask(&[&format!(
        "smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:{}, permit",
        postgrey.port
    )]);
    assert_eq!(
        (&record["verdict"], &record["failure"]["code"]),
        (&"degraded".into(), &"smtp.deferred".into()),
        "{record}\n{log}"
    );
    assert_eq!(record["facts"]["smtp"]["recipient"]["about"], "greylisting", "{record}");
    assert_eq!(record["cause"]["code"], "mail_gateway");
}

#[test]
fn real_mail_that_postgrey_put_off_tells_for_how_long() {
    let postgrey = Postgrey::start();
    let policy = format!(
        "smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:{}, permit",
        postgrey.port
    );
    let record = travel(&[&policy]);
    let facts = &record["facts"]["message"];
    assert!(facts["greylisted_s"].as_u64().is_some_and(|seconds| (2..60).contains(&seconds)), "{record}");
    assert!(facts["total_s"].as_i64().is_some_and(|total| (2..60).contains(&total)), "{record}");
    assert_eq!(facts["slowest"]["from"], "mail.spotme.com", "{record}");
    assert_eq!(facts["slowest"]["by"], "mx.example.net", "{record}");
}

#[test]
fn real_opendmarc_that_fails_the_sender_is_mail_junk() {
    let policy = Zone::new().txt("_dmarc.spotme.com", "v=DMARC1; p=none; adkim=s; aspf=s");
    let opendmarc = Opendmarc::start(policy);
    let milter =
        format!("smtpd_milters = inet:127.0.0.1:{}\nmilter_default_action = tempfail", opendmarc.port);
    let record = travel(&[&milter]);
    assert_eq!(record["facts"]["message"]["authentication"]["dmarc"], "fail", "{record}");
    assert_eq!(record["facts"]["message"]["authenticated_by"], "mx.example.net", "{record}");
    assert_eq!(record["failure"]["code"], "mail.junk", "{record}");
    assert_eq!(record["cause"]["code"], "mail_gateway", "the signature is valid in what arrived: {record}");
}

#[test]
fn real_mail_through_an_exim_arrives_valid_and_its_hops_are_read() {
    let sink = Sink::start();
    let leaf = Authority::new("Lab Root").leaf(&["127.0.0.1"]);
    let exim = Exim::start(sink.port, "", &leaf);
    let record = travel_to(exim.port, &sink);
    assert_eq!(record["verdict"], "pass", "{record}");
    let facts = &record["facts"]["message"];
    assert_eq!(facts["dkim"][0]["result"], "valid");
    assert_eq!(facts["route"][1]["by"], "mx.example.net", "{facts}");
    assert!(facts["total_s"].as_i64().is_some_and(|total| (0..60).contains(&total)), "{facts}");
}

#[test]
fn real_exim_takes_the_recipient_over_tls() {
    let record = ask_exim("");
    assert_eq!(record["verdict"], "pass", "{record}");
    assert_eq!(record["facts"]["smtp"]["recipient"]["status"], "250", "{record}");
}

#[test]
fn real_exim_that_refuses_says_why_in_words_alone() {
    for (rcpt, verdict, code, about) in [
        ("  defer message = greylisted, come back later", "degraded", "smtp.deferred", "greylisting"),
        ("  deny message = unknown user", "fail", "smtp.rejected", "recipient"),
        ("  deny message = relay not permitted", "inconclusive", "smtp.rejected", "relay"),
        (
            "  deny message = $sender_host_address is in a black list at rbl.example",
            "inconclusive",
            "smtp.rejected",
            "client_address",
        ),
    ] {
        let record = ask_exim(rcpt);
        assert_eq!(record["verdict"], verdict, "{record}");
        assert_eq!(record["failure"]["code"], code, "{record}");
        assert_eq!(record["facts"]["smtp"]["recipient"]["about"], about, "{record}");
    }
}

#[test]
fn real_exim_that_delays_its_replies_is_a_tarpit_with_a_figure() {
    let record = ask_exim("  warn delay = 6s");
    assert_eq!(record["verdict"], "pass", "{record}");
    let slow = record["facts"]["smtp"]["slow"][0].as_str().unwrap_or_default();
    assert!(slow.starts_with("rcpt: 6.") && slow.contains("tarpit"), "{record}");
}
