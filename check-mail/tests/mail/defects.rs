//! `--message`: files that are not one whole message as received, and what they still show.

use netcheck_lab::dns::DnsServer;
use netcheck_lab::view::failure_detail;
use serde_json::Value;

use crate::message::PROMPT;
use crate::messages::{Signer, carried, login};
use crate::tool;

fn signed() -> (Signer, String) {
    let signer = Signer::new();
    let message = carried(&signer.sign(&login()), PROMPT);
    (signer, message)
}

fn read(signer: &Signer, file: impl AsRef<[u8]>) -> Value {
    let dns = DnsServer::start(signer.zone());
    let args = ["--message", "m.eml", "--timeout", "1", "--resolver", &dns.addr.to_string()];
    let outcome = tool().file("m.eml", file).args(args).run();
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    outcome.one().clone()
}

/// The record of a file that is incomplete in this way, with its hops and its signature.
fn incomplete(signer: &Signer, file: impl AsRef<[u8]>, words: &str, dkim: &str) -> Value {
    let record = read(signer, file);
    assert_eq!(record["verdict"], "inconclusive", "{record}");
    assert_eq!(record["failure"]["code"], "mail.incomplete", "{record}");
    assert!(record["failure"]["detail"].as_str().unwrap().contains(words), "{record}");
    let facts = &record["facts"]["message"];
    assert_eq!((&facts["hops"], &facts["total_s"]), (&3.into(), &2.into()), "{record}");
    assert_eq!(facts["dkim"][0]["result"], dkim, "{record}");
    record
}

#[test]
fn line_ends_that_no_server_writes_are_repaired_and_told() {
    let (signer, message) = signed();
    incomplete(&signer, message.replace("\r\n", "\r"), "end in CR alone", "valid");
    incomplete(&signer, message.replace("\r\n", "\r\r\n"), "end in CR CR LF", "valid");
}

#[test]
fn a_file_in_utf_16_is_read_and_told() {
    let (signer, message) = signed();
    let little: Vec<u8> = message.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = message.encode_utf16().flat_map(u16::to_be_bytes).collect();
    incomplete(&signer, [&[0xff, 0xfe], little.as_slice()].concat(), "UTF-16", "valid");
    incomplete(&signer, [&[0xfe, 0xff], big.as_slice()].concat(), "UTF-16", "valid");
    incomplete(&signer, little, "UTF-16", "valid");
}

#[test]
fn a_header_without_its_body_still_shows_the_hops() {
    let (signer, message) = signed();
    let header = message.split_once("\r\n\r\n").unwrap().0.to_owned() + "\r\n";
    incomplete(&signer, &header, "no body", "unknown");
    let copied = format!("Microsoft Mail Internet Headers Version 2.0\r\n{header}");
    incomplete(&signer, copied, "copied out of Outlook", "unknown");
}

#[test]
fn a_body_that_ends_before_its_last_part_was_not_changed_by_a_gateway() {
    let signer = Signer::new();
    let parts = login().replace("text/plain; charset=utf-8", "multipart/mixed; boundary=b1");
    let whole = format!("{parts}--b1\r\n\r\nGo on.\r\n--b1--\r\n");
    let message = carried(&signer.sign(&whole), PROMPT);
    incomplete(
        &signer,
        message.strip_suffix("on.\r\n--b1--\r\n").unwrap(),
        "before its last part",
        "unknown",
    );
}

#[test]
fn a_mailbox_of_two_messages_shows_the_first() {
    let (signer, message) = signed();
    let envelope = "From bounces@mail.spotme.com Sun Nov 22 07:00:02 2026\r\n";
    let other = "From: b@example.org\r\nSubject: other\r\n\r\nFrom here on\r\n\r\n";
    incomplete(
        &signer,
        format!("{envelope}{message}\r\n{envelope}{other}"),
        "a mailbox of 2 messages",
        "valid",
    );
    let one = format!("{envelope}{message}");
    let dns = DnsServer::start(signer.zone());
    let args = ["--message", "m.eml", "--resolver", &dns.addr.to_string()];
    assert_eq!(tool().file("m.eml", one).args(args).run().one()["verdict"], "pass");
}

#[test]
fn a_message_forwarded_as_an_attachment_is_the_one_that_is_read() {
    let (signer, message) = signed();
    let outer = format!(
        "Received: from pc by mbx.example.net; Sun, 22 Nov 2026 12:00:00 +0000\r\nFrom: Admin <admin@example.net>\r\n\
         Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nContent-Type: multipart/mixed; boundary=\"out er\"\r\n\r\n--out er\r\n\r\nsee\r\n\
         --out er\r\nContent-Type: message/rfc822\r\n\r\n{message}\r\n--out er--\r\n"
    );
    let record = incomplete(&signer, outer, "attachment", "valid");
    assert_eq!(record["facts"]["message"]["from"], "spotme.com");
}

#[test]
fn lines_a_mailbox_file_escaped_are_no_change_of_the_body() {
    let signer = Signer::new();
    let body = login().replace("Regards.", "From now on use the app.");
    let message = carried(&signer.sign(&body), PROMPT).replace("\nFrom now on", "\n>From now on");
    incomplete(&signer, &message, "without it the signature is valid", "body_changed");
    let changed = read_changed(&signer, &message.replace("use the app", "use the web"));
    assert_eq!(changed["failure"]["code"], "mail.body_changed", "{changed}");
}

fn read_changed(signer: &Signer, message: &str) -> Value {
    let dns = DnsServer::start(signer.zone());
    let args = ["--message", "m.eml", "--resolver", &dns.addr.to_string()];
    tool().file("m.eml", message).args(args).run().one().clone()
}

#[test]
fn a_message_nobody_received_is_not_one_as_received() {
    let signer = Signer::new();
    let record = read(&signer, signer.sign(&login()));
    assert_eq!(record["failure"]["code"], "mail.incomplete", "{record}");
    insta::assert_snapshot!(failure_detail(&record), @"the message has no Received field: it is not a message as received");
}

#[test]
fn a_header_alone_that_took_too_long_fails_all_the_same() {
    let signer = Signer::new();
    let late = carried(&signer.sign(&login()), &[("mail.spotme.com", 0), ("mx.example.net", 2000)]);
    let header = late.split_once("\r\n\r\n").unwrap().0.to_owned() + "\r\n";
    let record = read(&signer, header);
    assert_eq!((&record["verdict"], &record["failure"]["code"]), (&"fail".into(), &"mail.delayed".into()));
}
