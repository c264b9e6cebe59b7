//! `--message`: what received messages show, and what of them never reaches a record.

use netcheck_lab::UdpServer;
use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::tool::Outcome;
use netcheck_lab::view::cause_fix;
use serde_json::{Value, json};

use crate::messages::{Signer, carried, login};
use crate::tool;

pub(crate) const PROMPT: &[(&str, i64)] =
    &[("mail.spotme.com", 0), ("mx.example.net", 1), ("imap.example.net", 2)];

pub(crate) fn read(message: &str, zone: Zone) -> Outcome {
    let dns = DnsServer::start(zone);
    let outcome = tool()
        .file("login.eml", message)
        .args(["--message", "login.eml", "--timeout", "1", "--resolver", &dns.addr.to_string()])
        .run();
    for secret in ["confidential", "jane.doe", "secret.sender", "TOKEN", "one-two-three"] {
        assert!(!outcome.stdout.contains(secret), "{secret} reached the record: {}", outcome.stdout);
    }
    outcome
}

pub(crate) fn summary(record: &Value) -> Value {
    json!({
        "verdict": record["verdict"],
        "failure": record["failure"],
        "cause": record["cause"]["code"],
        "who": record["cause"]["who"],
        "confidence": record["cause"]["confidence"],
        "evidence": record["cause"]["evidence"],
        "dkim": record["facts"]["message"]["dkim"][0]["result"],
    })
}

#[test]
fn a_prompt_message_with_a_valid_signature_passes() {
    let signer = Signer::new();
    let outcome = read(&carried(&signer.sign(&login()), PROMPT), signer.zone());
    insta::assert_json_snapshot!(outcome.one(), {".ts" => "", ".stages[].us" => 0}, @r#"
    {
      "v": 1,
      "ts": "",
      "check": "mail",
      "target": "message://login.eml",
      "verdict": "pass",
      "stages": [
        {
          "stage": "read",
          "ok": true,
          "us": 0
        },
        {
          "stage": "message",
          "ok": true,
          "us": 0
        },
        {
          "stage": "dkim",
          "ok": true,
          "us": 0
        }
      ],
      "facts": {
        "message": {
          "bytes": 1132,
          "from": "spotme.com",
          "hops": 3,
          "total_s": 2,
          "before_first_hop_s": 0,
          "slowest": {
            "from": "mail.spotme.com",
            "by": "mx.example.net",
            "seconds": 1,
            "agreeing": 0,
            "origin": false
          },
          "route": [
            {
              "by": "mail.spotme.com"
            },
            {
              "by": "mx.example.net",
              "seconds": 1
            },
            {
              "by": "imap.example.net",
              "seconds": 1
            }
          ],
          "handed_over_by": "mail.spotme.com (198.2.132.142)",
          "signatures": 1,
          "dkim": [
            {
              "domain": "spotme.com",
              "selector": "mandrill",
              "result": "valid"
            }
          ],
          "links": 1,
          "banner": false
        }
      }
    }
    "#);
    assert_eq!(outcome.code, 0);
}

#[test]
fn line_ends_lost_on_the_way_to_the_disk_change_nothing() {
    let signer = Signer::new();
    let message = carried(&signer.sign(&login()), PROMPT).replace("\r\n", "\n");
    assert_eq!(read(&message, signer.zone()).one()["verdict"], "pass");
}

#[test]
fn one_changed_byte_is_mail_body_changed() {
    let signer = Signer::new();
    let message = carried(&signer.sign(&login()).replace("Regards", "Good bye"), PROMPT);
    insta::assert_json_snapshot!(summary(read(&message, signer.zone()).one()), @r#"
    {
      "verdict": "degraded",
      "failure": {
        "code": "mail.body_changed",
        "detail": "the body differs from what spotme.com signed"
      },
      "cause": "mail_gateway",
      "who": "network",
      "confidence": "low",
      "evidence": [
        "the body differs from what spotme.com signed"
      ],
      "dkim": "body_changed"
    }
    "#);
}

#[test]
fn an_appended_disclaimer_is_mail_body_changed_by_a_gateway() {
    let signer = Signer::new();
    let signed = carried(&signer.sign(&login()), PROMPT);
    let message = format!(
        "Authentication-Results: mx.example.net (amavis); dkim=pass (ok) header.d=spotme.com;\r\n spf=pass\r\n{signed}\
         --\r\nCAUTION: This email originated from outside of the organization.\r\n"
    );
    insta::assert_json_snapshot!(summary(read(&message, signer.zone()).one()), @r#"
    {
      "verdict": "degraded",
      "failure": {
        "code": "mail.body_changed",
        "detail": "the body differs from what spotme.com signed"
      },
      "cause": "mail_gateway",
      "who": "network",
      "confidence": "medium",
      "evidence": [
        "the body differs from what spotme.com signed",
        "a banner warns of mail from outside",
        "the receiving side found the signature valid before the change"
      ],
      "dkim": "body_changed"
    }
    "#);
}

#[test]
fn rewritten_links_name_the_scanner() {
    let signer = Signer::new();
    let signed = signer.sign(&login()).replace(
        "https://app.spotme.com/login/",
        "https://eur02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fapp.spotme.com%2Flogin%2F",
    );
    let record = read(&carried(&signed, PROMPT), signer.zone()).one().clone();
    insta::assert_json_snapshot!(summary(&record), @r#"
    {
      "verdict": "degraded",
      "failure": {
        "code": "mail.body_changed",
        "detail": "the body differs from what spotme.com signed"
      },
      "cause": "mail_gateway",
      "who": "network",
      "confidence": "medium",
      "evidence": [
        "the body differs from what spotme.com signed",
        "1 of 1 links lead through Microsoft Safe Links"
      ],
      "dkim": "body_changed"
    }
    "#);
    insta::assert_snapshot!(cause_fix(&record), @"On the mail gateway (Microsoft Safe Links) exempt mail from mail.spotme.com (198.2.132.142) from link rewriting, link scanning, banners and disclaimers: a log-in link that a scanner opens is used up.");
    assert_eq!(record["facts"]["message"]["links_rewritten"]["Microsoft Safe Links"], 1);
}

#[test]
fn links_that_the_sender_signed_are_nobodys_doing() {
    let signer = Signer::new();
    let message = login().replace("app.spotme.com/login/", "urldefense.com/v3/__x");
    let record = read(&carried(&signer.sign(&message), PROMPT), signer.zone()).one().clone();
    assert_eq!(record["verdict"], "pass");
    assert_eq!(record["facts"]["message"]["links_rewritten"]["Proofpoint URL Defense"], 1);
}

#[test]
fn a_changed_subject_is_mail_dkim_invalid() {
    let signer = Signer::new();
    let message = signer.sign(&login()).replace("Subject: ", "Subject: [EXT] ");
    insta::assert_json_snapshot!(summary(read(&carried(&message, PROMPT), signer.zone()).one()), @r#"
    {
      "verdict": "degraded",
      "failure": {
        "code": "mail.dkim_invalid",
        "detail": "the header differs from what spotme.com signed, or the key is another"
      },
      "cause": "unknown",
      "who": "unknown",
      "confidence": "low",
      "evidence": [
        "the header differs from what spotme.com signed, or the key is another"
      ],
      "dkim": "header_changed"
    }
    "#);
}

#[test]
fn an_expired_signature_is_held_against_the_message_only_if_it_came_after() {
    let signer = Signer::new();
    // The messages came at 1606028402; a verifier of today finds both signatures expired.
    let of = |end: u64| {
        let message = carried(&signer.sign_until(&login(), end), PROMPT).replace("2026", "2020");
        read(&message, signer.zone()).one().clone()
    };
    let since = of(1_606_028_500);
    assert_eq!(since["facts"]["message"]["dkim"][0]["result"], "expired", "{since}");
    assert_eq!(since["verdict"], "pass");
    assert_eq!(of(1_606_028_300)["failure"]["code"], "mail.dkim_invalid");
}

#[test]
fn a_key_that_is_gone_is_mail_dkim_invalid() {
    let signer = Signer::new();
    let message = carried(&signer.sign(&login()), PROMPT);
    let record = read(&message, Zone::new()).one().clone();
    assert_eq!(record["failure"]["code"], "mail.dkim_invalid");
    assert_eq!(record["cause"]["code"], "sender_identity");
    assert_eq!(record["facts"]["message"]["dkim"][0]["result"], "key_missing");
}

#[test]
fn a_key_retired_since_the_gateway_saw_it_is_no_complaint() {
    let signer = Signer::new();
    let message = carried(&signer.sign(&login()), PROMPT);
    let message =
        format!("Authentication-Results: mx.example.net; dkim=pass header.d=spotme.com\r\n{message}");
    assert_eq!(read(&message, Zone::new()).one()["verdict"], "pass");
}

#[test]
fn a_message_without_a_signature_is_mail_no_dkim() {
    insta::assert_json_snapshot!(summary(read(&carried(&login(), PROMPT), Zone::new()).one()), @r#"
    {
      "verdict": "degraded",
      "failure": {
        "code": "mail.no_dkim",
        "detail": "the message has no DKIM signature"
      },
      "cause": "unknown",
      "who": "unknown",
      "confidence": "low",
      "evidence": [
        "the message has no DKIM-Signature field"
      ],
      "dkim": null
    }
    "#);
}

#[test]
fn a_resolver_that_is_silent_about_the_key_leaves_it_open() {
    let signer = Signer::new();
    let zone = Zone::new().silent("mandrill._domainkey.spotme.com");
    let outcome = read(&carried(&signer.sign(&login()), PROMPT), zone);
    let record = outcome.one();
    assert_eq!(record["verdict"], "inconclusive");
    assert_eq!(record["failure"]["code"], "dns.timeout");
    assert_eq!(outcome.code, 1);
}

/// A resolver whose replies over UDP are all marked as truncated (TC), and that takes no connection.
fn truncating() -> UdpServer {
    UdpServer::new(|question, _| {
        let name = question[12..].iter().position(|&byte| byte == 0).unwrap();
        let mut reply = question[..12 + name + 5].to_vec();
        reply[2] |= 0x82;
        reply[3] = 0x80;
        reply[6..12].fill(0);
        vec![reply]
    })
}

#[test]
fn a_key_that_only_tcp_brings_is_not_missing_and_tcp_to_the_resolver_is_to_be_allowed() {
    let resolver = truncating();
    let outcome = tool()
        .file("login.eml", carried(&Signer::new().sign(&login()), PROMPT))
        .args(["--message", "login.eml", "--resolver", &resolver.addr.to_string()])
        .run();
    let record = outcome.one();
    let seen = json!({
        "verdict": record["verdict"],
        "code": record["failure"]["code"],
        "cause": record["cause"]["code"],
        "who": record["cause"]["who"],
        "confidence": record["cause"]["confidence"],
        "fix": record["cause"]["fix"],
        "dkim": record["facts"]["message"]["dkim"][0]["result"],
    });
    let right = json!({
        "verdict": "inconclusive",
        "code": "dns.unreachable",
        "cause": "firewall_reject",
        "who": "network",
        "confidence": "medium",
        "fix": format!("Allow TCP {} to 127.0.0.1.", resolver.port),
        "dkim": "unknown",
    });
    assert_eq!(seen, right, "{record}");
}

#[test]
fn marks_of_spam_filters_and_gateways_are_read() {
    let signer = Signer::new();
    let message = format!(
        "X-Spam-Flag: YES\r\nX-Spam-Status: Yes, score=7.2 required=5.0 tests=[X]\r\n\
         X-MS-Exchange-Organization-SCL: 6\r\n{}",
        carried(&signer.sign(&login()), PROMPT)
    );
    let facts = read(&message, signer.zone()).one()["facts"]["message"].clone();
    assert_eq!(
        facts["junk"],
        json!([
            { "field": "x-spam-flag", "junk": true },
            { "field": "x-spam-status", "junk": true, "score": "7.2" },
            { "field": "x-ms-exchange-organization-scl", "junk": true, "score": "6" },
        ])
    );
    assert_eq!(facts["gateways"], json!(["Microsoft 365", "SpamAssassin"]));
}

#[test]
fn a_folder_gives_a_record_for_each_message_and_names_are_made_safe() {
    let tool = tool();
    let folder = tool.dir().join("mails");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("Ein Brief ü.eml"), carried(&login(), PROMPT)).unwrap();
    std::fs::write(folder.join("b.eml"), "this is no message").unwrap();
    let outcome = tool.args(["--ordered", "--message", "mails"]).run();
    assert_eq!(outcome.records[0]["target"], "message://ein-brief--.eml");
    assert_eq!(outcome.records[0]["failure"]["code"], "mail.no_dkim");
    assert_eq!(outcome.records[1]["target"], "message://b.eml");
    assert_eq!(outcome.records[1]["failure"]["code"], "input.invalid");
    assert_eq!(outcome.records[1]["verdict"], "inconclusive");
}

#[test]
fn a_message_comes_from_standard_input() {
    let outcome = tool().args(["--message", "-"]).stdin(carried(&login(), PROMPT)).run();
    assert_eq!(outcome.one()["target"], "message://stdin");
    assert_eq!(outcome.one()["facts"]["message"]["hops"], 3);
}

#[test]
fn a_path_that_is_not_there_is_a_usage_error() {
    let outcome = tool().args(["--message", "missing.eml"]).run();
    assert_eq!((outcome.code, outcome.records.len()), (2, 0));
}

#[test]
fn a_message_longer_than_any_gateway_takes_is_not_read() {
    let outcome = tool().file("huge.eml", "x".repeat((48 << 20) + 1)).args(["--message", "huge.eml"]).run();
    assert_eq!(outcome.one()["failure"]["code"], "input.invalid");
    assert_eq!(outcome.one()["failure"]["detail"], "longer than 48 MiB");
}

#[test]
fn forty_megabytes_and_a_hundred_thousand_hops_are_read_in_bounded_time_and_memory() {
    let hops = "Received: from a.example (b [192.0.2.1]) by c.example; Sun, 22 Nov 2026 07:00:00 +0000\r\n"
        .repeat(100_000);
    let signer = Signer::new();
    let mut message = format!("{hops}{}", signer.sign(&login()));
    message.push_str(&"x".repeat(98).chars().chain("\r\n".chars()).collect::<String>().repeat(350_000));
    let dns = DnsServer::start(signer.zone());
    let outcome = tool()
        .file("large.eml", &message)
        .args(["--message", "large.eml", "--timeout", "60", "--resolver", &dns.addr.to_string()])
        .run();
    let record = outcome.one();
    assert_eq!(record["failure"]["code"], "mail.body_changed");
    assert_eq!(record["facts"]["message"]["hops"], 1_000, "the newest thousand are looked at");
    assert!(outcome.stdout.len() < 8192, "{}", outcome.stdout.len());
}
