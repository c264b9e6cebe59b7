//! `Received` fields in the forms of many servers, each with what it says.

use super::received::Hop;

/// Software, sender, address, host and time, as the data file gives them beside a field.
const FORMS: &str = include_str!("../../tests/data/received.txt");

fn shown(hop: &Hop) -> String {
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    format!(
        "{} | {} | {} | {}",
        text(hop.from.clone()),
        text(hop.from_address.map(|address| address.to_string())),
        text(hop.by.clone()),
        hop.time.map_or("?".to_owned(), |time| time.to_string())
    )
}

#[test]
fn fields_of_many_servers_say_who_gave_the_message_to_whom_and_when() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in FORMS.lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.splitn(6, " | ").collect();
        let field = parts[5].replace("\\n", "\r\n").replace("\\t", "\t");
        let (hop, wanted) = (Hop::parse(field.as_bytes()), parts[1..5].join(" | "));
        count += 1;
        if shown(&hop) != wanted {
            wrong.push(format!("{}: wanted {wanted}, read {}\n  {}", parts[0], shown(&hop), parts[5]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 150, "{count}");
}

#[test]
fn an_empty_greeting_does_not_hide_the_host_that_took_the_message() {
    let hop = Hop::parse(b" from by mx.example.net with SMTP; Fri, 12 Jun 2026 09:30:05 +0000");
    assert_eq!((hop.from, hop.by.as_deref()), (None, Some("mx.example.net")));
    let hop = Hop::parse(b" from ([192.0.2.9]) by mx.example.net with SMTP; x");
    assert_eq!(hop.from_address.map(|ip| ip.to_string()).as_deref(), Some("192.0.2.9"));
    assert_eq!(hop.by.as_deref(), Some("mx.example.net"));
}

#[test]
fn a_parenthesis_that_is_never_closed_does_not_hide_the_rest() {
    let hop = Hop::parse(b" from out.example.org (out.example.org [192.0.2.9] by mx.example.net with ESMTP id 1; Fri, 12 Jun 2026 09:30:05 +0000");
    assert_eq!(hop.by.as_deref(), Some("mx.example.net"));
}

#[test]
fn the_address_a_sender_claims_in_its_greeting_is_no_observation() {
    let hop = Hop::parse(b" from [192.0.2.9] (helo=[10.0.0.1]) by mx.example.net; x");
    assert_eq!(hop.from_address.map(|ip| ip.to_string()).as_deref(), Some("192.0.2.9"));
}

#[test]
fn a_scanner_on_the_same_machine_is_named_by_the_machine() {
    let hop = Hop::parse(b" from mx.example.net ([127.0.0.1]) by localhost (mx.example.net [127.0.0.1]) (amavis, port 10024) with ESMTP id x; y");
    assert_eq!((hop.by.as_deref(), hop.scanner), (Some("mx.example.net"), Some("amavis")));
}
