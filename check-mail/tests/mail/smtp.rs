//! `smtp://`: what a gateway's answers come to.

use netcheck_lab::pki::{self, Authority};
use netcheck_lab::script::{Act, Server};
use netcheck_lab::tool::Outcome;
use netcheck_lab::view::{cause_fix, failure_detail};
use serde_json::{Value, json};

use crate::gateway::{Gateway, Post, gateway};
use crate::tool;

const RECIPIENT: &str = "jane.doe@example.net";

fn ask(post: Post) -> (Outcome, Gateway) {
    let authority = Authority::new("Lab Root");
    let leaf = authority.leaf(&["127.0.0.1"]);
    let gateway = gateway(post, Some(&leaf));
    let tool = tool().args(["--recipient", RECIPIENT, "--helo", "client.example.net", "--timeout", "2"]);
    let roots = authority.write(tool.dir());
    let outcome =
        tool.arg("--public-roots").arg(roots).arg(format!("smtp://127.0.0.1:{}", gateway.port())).run();
    (outcome, gateway)
}

fn summary(record: &Value) -> Value {
    json!({
        "verdict": record["verdict"],
        "failure": record["failure"]["code"],
        "cause": record["cause"]["code"],
        "who": record["cause"]["who"],
        "confidence": record["cause"]["confidence"],
        "recipient": record["facts"]["smtp"]["recipient"]["answer"],
        "stages": record["stages"].as_array().unwrap().iter().map(|stage| {
            format!("{}{}", stage["stage"].as_str().unwrap(), if stage["ok"] == true { "" } else { "!" })
        }).collect::<Vec<_>>().join(" "),
    })
}

#[test]
fn a_gateway_that_takes_the_recipient_passes_and_never_gets_a_message() {
    let (outcome, gateway) = ask(Post::default());
    insta::assert_json_snapshot!(summary(outcome.one()), @r#"
    {
      "verdict": "pass",
      "failure": null,
      "cause": null,
      "who": null,
      "confidence": null,
      "recipient": "accepted",
      "stages": "tcp smtp starttls tls smtp rcpt"
    }
    "#);
    let lines = gateway.lines();
    assert_eq!(
        lines,
        [
            "EHLO client.example.net",
            "STARTTLS",
            "EHLO client.example.net",
            "MAIL FROM:<bounces@mail.spotme.com>",
            "RCPT TO:<jane.doe@example.net>",
            "QUIT"
        ]
    );
    assert!(!outcome.stdout.contains("jane.doe"), "a local part reached the record: {}", outcome.stdout);
    assert_eq!(outcome.code, 0);
}

#[test]
fn what_was_not_proven_is_said() {
    let (outcome, _gateway) = ask(Post::default());
    let facts = &outcome.one()["facts"]["smtp"];
    let text = facts["not_proven"].to_string();
    assert!(text.contains("allow-listed"), "{text}");
    assert!(facts["proven"].to_string().contains("from this machine's address"), "{facts}");
    assert!(facts["answer_us"]["rcpt"].as_u64().is_some(), "{facts}");
}

#[test]
fn a_refused_recipient_is_smtp_rejected() {
    let (outcome, gateway) =
        ask(Post { rcpt: "550 5.7.1 <jane.doe@example.net>: refused by policy", ..Post::default() });
    insta::assert_json_snapshot!(summary(outcome.one()), @r#"
    {
      "verdict": "fail",
      "failure": "smtp.rejected",
      "cause": "mail_gateway",
      "who": "network",
      "confidence": "low",
      "recipient": "rejected",
      "stages": "tcp smtp starttls tls smtp rcpt!"
    }
    "#);
    assert_eq!(outcome.one()["facts"]["smtp"]["recipient"]["status"], "550 5.7.1");
    assert!(!outcome.stdout.contains("jane.doe"), "{}", outcome.stdout);
    assert_eq!(gateway.lines().last().unwrap(), "QUIT");
}

#[test]
fn a_refusal_for_our_own_spf_proves_nothing_about_the_platform() {
    let (outcome, _gateway) = ask(Post { mail: "550 5.7.23 SPF validation failed", ..Post::default() });
    let record = outcome.one();
    assert_eq!(record["verdict"], "inconclusive");
    assert_eq!(record["failure"]["code"], "smtp.rejected");
    assert_eq!(record["cause"]["code"], "unknown");
}

#[test]
fn a_greylisted_recipient_is_degraded() {
    let (outcome, gateway) =
        ask(Post { rcpt: "451 4.7.1 Greylisted, come back in 5 minutes", ..Post::default() });
    let record = outcome.one();
    assert_eq!(record["verdict"], "degraded");
    assert_eq!(record["failure"]["code"], "smtp.deferred");
    assert_eq!(record["cause"]["code"], "mail_gateway");
    assert_eq!(record["cause"]["confidence"], "low");
    assert_eq!(record["facts"]["smtp"]["recipient"]["answer"], "deferred");
    assert_eq!(record["facts"]["smtp"]["recipient"]["about"], "greylisting");
    assert_eq!(gateway.lines().last().unwrap(), "QUIT");
    assert_eq!(outcome.code, 0);
}

#[test]
fn a_gateway_without_starttls_is_smtp_no_starttls_and_still_asked() {
    let (outcome, gateway) = ask(Post { ehlo: "250-mx.example.net\r\n250 SIZE 1000", ..Post::default() });
    insta::assert_json_snapshot!(summary(outcome.one()), @r#"
    {
      "verdict": "degraded",
      "failure": "smtp.no_starttls",
      "cause": "mail_gateway",
      "who": "network",
      "confidence": "low",
      "recipient": "accepted",
      "stages": "tcp smtp rcpt"
    }
    "#);
    assert!(!gateway.lines().contains(&"STARTTLS".to_owned()));
}

#[test]
fn a_firewall_that_masks_smtp_is_named_by_its_marks() {
    let (outcome, _gateway) = ask(Post {
        banner: "220 ************************",
        ehlo: "250-mx.example.net\r\n250 XXXXXXXA",
        ..Post::default()
    });
    let record = outcome.one();
    assert_eq!(record["failure"]["code"], "smtp.no_starttls");
    assert_eq!(record["cause"]["code"], "nat_rewrite");
    assert_eq!(record["cause"]["confidence"], "medium");
}

#[test]
fn starttls_offered_and_refused_goes_on_without() {
    let (outcome, _gateway) = ask(Post { starttls: "454 4.7.0 TLS not available", ..Post::default() });
    let record = outcome.one();
    assert_eq!(record["failure"]["code"], "smtp.no_starttls");
    assert_eq!(record["verdict"], "degraded");
    assert_eq!(record["facts"]["smtp"]["recipient"]["answer"], "accepted");
}

#[test]
fn a_gateway_whose_tls_breaks_is_asked_again_without() {
    let (outcome, gateway) = ask(Post { broken_tls: true, ..Post::default() });
    insta::assert_json_snapshot!(summary(outcome.one()), @r#"
    {
      "verdict": "degraded",
      "failure": "tls.not_tls",
      "cause": "mail_gateway",
      "who": "network",
      "confidence": "low",
      "recipient": "accepted",
      "stages": "tcp smtp starttls tls! tcp smtp rcpt"
    }
    "#);
    assert_eq!(gateway.lines().last().unwrap(), "QUIT");
}

#[test]
fn a_certificate_nobody_knows_degrades_and_never_fails() {
    let leaf = pki::self_signed(&["mx.example.net"]);
    let gateway = gateway(Post::default(), Some(&leaf));
    let outcome = tool()
        .args(["--recipient", RECIPIENT, "--timeout", "2"])
        .arg(format!("smtp://127.0.0.1:{}", gateway.port()))
        .run();
    let record = outcome.one();
    assert_eq!(record["verdict"], "degraded", "{record}");
    assert_eq!(record["failure"]["code"], "tls.untrusted");
    assert_eq!(record["facts"]["smtp"]["recipient"]["answer"], "accepted");
    assert!(record["facts"]["tls"]["subject"].is_string(), "{record}");
}

#[test]
fn without_a_recipient_only_the_greeting_is_proven() {
    let gateway = gateway(Post { ehlo: "250 mx.example.net", ..Post::default() }, None);
    let outcome = tool().arg(format!("127.0.0.1:{}", gateway.port())).run();
    let record = outcome.one();
    assert_eq!(record["target"], format!("smtp://127.0.0.1:{}", gateway.port()));
    assert_eq!(record["facts"]["smtp"]["recipient"], Value::Null);
    assert!(record["facts"]["smtp"]["not_proven"][0].as_str().unwrap().contains("none was given"));
    assert_eq!(gateway.lines().last().unwrap(), "QUIT");
}

fn scripted(acts: Vec<Act>) -> Value {
    let server = Server::tcp(acts);
    let outcome = tool().args(["--timeout", "0.3"]).arg(format!("smtp://127.0.0.1:{}", server.port)).run();
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    outcome.one().clone()
}

#[test]
fn a_server_without_a_banner_is_smtp_timeout() {
    let record = scripted(vec![Act::Stall]);
    assert_eq!(record["failure"]["code"], "smtp.timeout");
    assert_eq!(record["verdict"], "fail");
}

#[test]
fn a_silent_server_is_not_waited_for_beyond_the_timeout() {
    let silent = Server::tcp(vec![Act::Stall]);
    let target = format!("smtp://127.0.0.1:{}", silent.port);
    let begun = netcheck_common::clock::now();
    let outcome =
        tool().args(["--timeout", "0.1", "--jobs", "1", "--diagnose", "never"]).args(vec![target; 20]).run();
    assert_eq!(outcome.records.len(), 20);
    // Two seconds of silence; a moment for an answer to each QUIT would make it twelve.
    assert!(begun.elapsed() < std::time::Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[test]
fn a_server_that_falls_silent_after_its_banner_is_smtp_timeout() {
    let record = scripted(vec![Act::send("220 mx\r\n"), Act::Stall]);
    assert_eq!(record["failure"]["code"], "smtp.timeout");
    assert_eq!(record["facts"]["smtp"]["banner"], "mx");
}

#[test]
fn a_server_that_hangs_up_is_smtp_closed() {
    assert_eq!(scripted(vec![Act::Close])["failure"]["code"], "smtp.closed");
}

#[test]
fn a_server_that_hangs_up_in_the_envelope_is_told_with_the_command() {
    let server = Server::tcp(vec![
        Act::send("220 mx\r\n"),
        Act::until("\r\n"),
        Act::send("250 mx\r\n"),
        Act::until("\r\n"),
        Act::send("250 ok\r\n"),
        Act::until("\r\n"),
        Act::Close,
    ]);
    let outcome =
        tool().args(["--recipient", RECIPIENT]).arg(format!("smtp://127.0.0.1:{}", server.port)).run();
    let record = outcome.one();
    assert_eq!(record["failure"]["code"], "smtp.closed");
    assert_eq!(
        record["failure"]["detail"],
        "the mail server closed the connection without a reply to RCPT TO"
    );
    let not_proven = record["facts"]["smtp"]["not_proven"][0].as_str().unwrap();
    assert!(not_proven.starts_with("that the recipient is accepted"), "{not_proven}");
}

#[test]
fn a_reset_is_told_from_a_close() {
    assert_eq!(
        scripted(vec![Act::send("220 mx\r\n"), Act::ReadSome, Act::Reset])["failure"]["code"],
        "smtp.reset"
    );
}

#[test]
fn a_server_that_refuses_at_the_door_is_smtp_rejected() {
    let record = scripted(vec![Act::send("554 5.7.1 no SMTP service here\r\n"), Act::Stall]);
    assert_eq!(record["failure"]["code"], "smtp.rejected");
}

#[test]
fn a_server_that_speaks_something_else_is_smtp_rejected() {
    let record = scripted(vec![Act::send("SSH-2.0-OpenSSH_9.2\r\n"), Act::Stall]);
    assert_eq!(record["failure"]["code"], "smtp.rejected");
    insta::assert_snapshot!(failure_detail(&record), @r#"the peer does not speak SMTP: its answer begins with "SSH-2.0-OpenSSH_9.2\r\n""#);
}

#[test]
fn a_server_that_never_ends_its_reply_is_cut_off() {
    let record = scripted(vec![Act::Flood(b"220-and so on\r\n".to_vec())]);
    assert_eq!(record["failure"]["code"], "smtp.rejected");
}

#[test]
fn a_mailbox_that_would_end_the_command_is_a_usage_error() {
    for recipient in ["a@b>\r\nDATA", "a b@example.net", "nobody", "@example.net"] {
        let outcome = tool().args(["--recipient", recipient, "smtp://127.0.0.1:9"]).run();
        assert_eq!(outcome.code, 2, "{recipient}");
        assert!(outcome.records.is_empty());
    }
}

/// A gateway that answers so, without TLS.
fn plain(post: Post) -> Value {
    let post = Post { ehlo: "250-mx.example.net\r\n250 SIZE 1000", ..post };
    ask(post).0.one().clone()
}

#[test]
fn each_refusal_has_its_own_words_and_its_own_verdict() {
    for (rcpt, verdict, about) in [
        ("550 5.1.1 <x@example.net>: Recipient address rejected: User unknown", "fail", "recipient"),
        ("554 5.7.1 <x@example.net>: Relay access denied", "inconclusive", "relay"),
        ("452 4.2.2 mailbox full", "degraded", "full"),
        ("550 5.7.1 Client host [192.0.2.1] blocked using a list", "inconclusive", "client_address"),
        ("504 5.5.2 <client>: Helo command rejected: need fully-qualified hostname", "inconclusive", "helo"),
        ("450 4.1.8 <b@spotme.com>: Sender address rejected: Domain not found", "degraded", "sender"),
        ("530 5.7.0 Authentication required", "inconclusive", "authentication"),
        ("450 4.7.25 Client host rejected: cannot find your hostname", "inconclusive", "client_address"),
        ("451 4.3.0 Temporary lookup failure", "degraded", "trouble"),
    ] {
        let record = plain(Post { rcpt, ..Post::default() });
        assert_eq!(record["verdict"], verdict, "{rcpt}: {record}");
        assert_eq!(record["facts"]["smtp"]["recipient"]["about"], about, "{rcpt}");
        let code = if rcpt.starts_with('4') { "smtp.deferred" } else { "smtp.rejected" };
        assert_eq!(record["failure"]["code"], code, "{rcpt}");
    }
}

#[test]
fn replies_that_come_before_their_commands_prove_nothing() {
    let ehlo = "250-mx.example.net\r\n250 SIZE 1000\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok";
    let (outcome, gateway) = ask(Post { ehlo, ..Post::default() });
    let record = outcome.one();
    assert_eq!(record["failure"]["code"], "smtp.rejected", "{record}");
    let detail = "the peer answers before it is asked: \"250 2.1.0 Ok\"";
    assert_eq!(record["failure"]["detail"], detail, "{record}");
    assert_eq!(record["facts"]["smtp"]["recipient"], Value::Null, "{record}");
    assert_eq!(gateway.lines(), ["EHLO client.example.net", "QUIT"]);
}

#[test]
fn a_reply_that_is_added_to_that_of_starttls_is_no_reply_under_tls() {
    let injected = "220 2.0.0 go ahead\r\n250-injected.example\r\n250 SIZE 1";
    let (added, _) = ask(Post { starttls: injected, ..Post::default() });
    let (alone, _) = ask(Post::default());
    assert_eq!(summary(added.one()), summary(alone.one()));
    assert!(!added.stdout.contains("injected"), "{}", added.stdout);
}

#[test]
fn greylisting_is_seen_behind_a_certificate_nobody_knows() {
    let leaf = pki::self_signed(&["mx.example.net"]);
    let gateway =
        gateway(Post { rcpt: "450 4.2.0 Greylisted for 300 seconds", ..Post::default() }, Some(&leaf));
    let outcome = tool()
        .args(["--recipient", RECIPIENT, "--timeout", "2"])
        .arg(format!("smtp://127.0.0.1:{}", gateway.port()))
        .run();
    let record = outcome.one();
    assert_eq!(record["verdict"], "degraded", "{record}");
    assert_eq!(record["failure"]["code"], "smtp.deferred");
    assert_eq!(record["facts"]["tls"]["trust"], "none", "{record}");
}

#[test]
fn a_refusal_of_the_connection_is_about_this_machine() {
    let record = plain(Post { banner: "554 5.7.1 no mail from 192.0.2.1", ..Post::default() });
    assert_eq!(
        (&record["verdict"], &record["failure"]["code"]),
        (&json!("inconclusive"), &json!("smtp.rejected"))
    );
    let busy = plain(Post { banner: "421 4.3.2 too many connections, try later", ..Post::default() });
    assert_eq!((&busy["verdict"], &busy["failure"]["code"]), (&json!("degraded"), &json!("smtp.deferred")));
}

#[test]
fn rewriting_by_a_firewall_is_seen_in_every_form() {
    const SERVICE: &str = "250-mx.example.net\r\n250-SIZE 1000\r\n250 STARTTLS";
    for (post, signs) in [
        (Post { ehlo: "250-mx.example.net\r\n250-XXXXXXXA\r\n250 8BITMIME", ..Post::default() }, 1),
        (
            Post {
                banner: "220 ****************************2******0*0*",
                ehlo: "250-mx\r\n250-XXXXXXXX\r\n250 SIZE",
                ..Post::default()
            },
            2,
        ),
        (
            Post {
                banner: "220 ****************",
                ehlo: SERVICE,
                starttls: "500 5.5.1 Command unrecognized: \"XXXXXXXX\"",
                ..Post::default()
            },
            2,
        ),
        (Post { ehlo: "500 5.5.1 Command unrecognized: \"XXXX client.example.net\"", ..Post::default() }, 1),
    ] {
        let record = ask(post.clone()).0.one().clone();
        assert_eq!(record["failure"]["code"], "smtp.no_starttls", "{record}");
        assert_eq!(record["cause"]["code"], "nat_rewrite", "{record}");
        assert_eq!(record["cause"]["evidence"].as_array().unwrap().len(), signs, "{record}");
    }
}

#[test]
fn a_tarpit_is_waited_for_and_its_figure_is_told() {
    let banner = Act::SendSlowly(b"220 mx\r\n".to_vec(), std::time::Duration::from_millis(300));
    let acts = vec![banner, Act::until("\r\n"), Act::send("250 mx\r\n"), Act::Stall];
    let server = Server::tcp(acts);
    let outcome = tool().args(["--timeout", "1"]).arg(format!("smtp://127.0.0.1:{}", server.port)).run();
    let record = outcome.one();
    assert_eq!(record["failure"]["code"], "smtp.no_starttls", "{record}");
    let slow = record["facts"]["smtp"]["slow"][0].as_str().unwrap();
    assert!(slow.starts_with("banner: 2.") && slow.contains("tarpit"), "{slow}");
}

#[test]
fn a_reply_that_never_becomes_whole_is_a_timeout_that_says_what_arrived() {
    let record = scripted(vec![Act::send("220-mx\r\n220-wait\r\n"), Act::Stall]);
    assert_eq!(record["failure"]["code"], "smtp.timeout");
    assert!(record["failure"]["detail"].as_str().unwrap().contains("18 bytes of it arrived"), "{record}");
}

#[test]
fn a_gateway_that_names_itself_is_named_in_the_fix() {
    let banner = "220 AM0EUR02FT012.mail.protection.outlook.com Microsoft ESMTP MAIL Service ready";
    let record =
        plain(Post { banner, rcpt: "451 4.7.500 Server busy. Please try again later", ..Post::default() });
    insta::assert_snapshot!(cause_fix(&record), @"Allow-list mail.spotme.com (198.2.132.142) on the mail gateway 127.0.0.1:PORT of Microsoft 365 (TCP, SMTP), and test with a message from the platform (--message).");
    assert_eq!(record["failure"]["code"], "smtp.deferred");
}
