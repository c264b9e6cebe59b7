//! The analysis of messages, by example and by property.

use proptest::prelude::*;

use super::arrival::domain;
use super::field::Block;
use super::link::Links;
use super::received::Hop;
use super::results::AuthenticationResults;
use super::route::Route;
use super::sides::{Published, Sides};
use super::{Analysis, decode, part, vendor};

fn hop(by: &str, time: i64) -> Hop {
    Hop { by: Some(by.to_owned()), time: Some(time), ..Hop::default() }
}

fn analyse(message: &[u8]) -> Option<Analysis<'_>> {
    Analysis::of(message, &Published::default(), &|_| Vec::new())
}

/// The way of a message without a `Date`, sent by the host of the first hop.
fn route_of(hops: &[Hop]) -> Route {
    let sender = hops.first().and_then(|hop| hop.by.clone());
    let sides =
        Sides::of(hops, &Published { hosts: sender.into_iter().collect(), addresses: Vec::new() }, None, &[]);
    Route::of(hops, &sides, None, None)
}

fn texts(message: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    part::texts(&Block::split(message), &mut |text| {
        found.push(String::from_utf8_lossy(text).trim().to_owned())
    });
    found
}

#[test]
fn a_hop_is_read_whatever_its_comments_say() {
    let hop = Hop::parse(
        b" from mail.spotme.com (by the way from evil (by x) [198.2.132.142])\r\n\tby MX.Example.net. (Postfix; by y)\r\n\t\
          with ESMTPS id 4X for <jane@example.net>; Sun, 22 Nov 2026 08:00:00 +0100 (CET)",
    );
    assert_eq!(hop.from.as_deref(), Some("mail.spotme.com"));
    assert_eq!(hop.by.as_deref(), Some("mx.example.net"));
    assert_eq!(hop.time, Some(1_795_330_800));
}

#[test]
fn what_is_no_host_is_left_out() {
    assert_eq!(Hop::parse(b"from jane.doe@example.net by <x>").from, None);
    assert_eq!(Hop::parse(b"by; nonsense"), Hop::default());
    assert_eq!(Hop::parse(b"from [192.0.2.1] by [IPv6:2001:db8::1]; x").from.as_deref(), Some("192.0.2.1"));
}

#[test]
fn a_clock_ahead_is_found_by_the_ones_after_it() {
    let route = route_of(&[hop("a.org", 0), hop("b.org", 600), hop("c.org", 5), hop("d.org", 6)]);
    assert_eq!(route.total, Some(6));
    assert_eq!(route.skewed[0].by.as_deref(), Some("b.org"));
    assert_eq!(route.slowest.unwrap().by.as_deref(), Some("c.org"));
}

#[test]
fn a_clock_behind_is_found_by_the_ones_before_it() {
    let route = route_of(&[hop("a.org", 1000), hop("b.org", 1001), hop("c.org", 3), hop("d.org", 1004)]);
    assert_eq!(route.total, Some(4));
    assert_eq!((route.skewed[0].by.as_deref(), route.skewed[0].seconds), (Some("c.org"), -998));
}

#[test]
fn hops_without_a_date_are_counted_and_passed_over() {
    let route = route_of(&[hop("a.org", 0), Hop::default(), hop("b.org", 90)]);
    assert_eq!((route.hops, route.undated, route.total), (3, 1, Some(90)));
}

#[test]
fn organisations_are_told_apart_under_second_level_domains() {
    let origin = |first, second| route_of(&[hop(first, 0), hop(second, 9)]).slowest.unwrap().origin;
    assert!(origin("a.mail.example.com", "b.example.com"));
    assert!(!origin("a.example.com", "b.example.net"));
    assert!(!origin("mx.first.co.uk", "mx.second.co.uk"));
    assert!(!origin("192.0.2.1", "192.0.2.2"));
}

#[test]
fn text_parts_are_found_at_any_depth_and_decoded() {
    let message = b"From: a@b.c\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\npreamble http://no\r\n\
        --outer\r\nContent-Type: multipart/alternative;\r\n boundary=\"in ner\"\r\n\r\n\
        --in ner\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n\
        --in ner\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=48i=\r\n there\r\n\
        --in ner--\r\n--outer\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nforwarded\r\n\
        --outer\r\nContent-Type: image/png\r\n\r\nhttp://no\r\n--outer--\r\nepilogue\r\n";
    assert_eq!(texts(message), ["hello", "Hi there", "forwarded"]);
}

#[test]
fn a_hundred_thousand_levels_of_nesting_cost_one_reading() {
    let mut message = b"From: a@b.c\r\n".to_vec();
    for level in 0..100_000 {
        message.extend_from_slice(
            format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n").as_bytes(),
        );
    }
    message.extend_from_slice(b"\r\nhttps://deep.example/\r\n");
    assert!(analyse(&message).is_some());
    let wrapped = format!("From: a@b.c\r\n{}\r\nend", "Content-Type: message/rfc822\r\n\r\n".repeat(100_000));
    assert_eq!(texts(wrapped.as_bytes()), ["end"]);
}

#[test]
fn every_known_rewriter_is_recognised() {
    let samples = [
        ("https://urldefense.com/v3/__https://x.example__;!!abc", "Proofpoint URL Defense"),
        ("https://urldefense.proofpoint.com/v2/url?u=https-3A__x", "Proofpoint URL Defense"),
        ("https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fx", "Microsoft Safe Links"),
        ("https://protect-eu.mimecast.com/s/abc", "Mimecast"),
        ("https://url.uk.m.mimecastprotect.com/s/abc", "Mimecast"),
        ("https://linkprotect.cudasvc.com/url?a=https%3a%2f%2fx", "Barracuda Link Protection"),
        ("https://secure-web.cisco.com/1abc/https%3A%2F%2Fx", "Cisco Secure Email"),
        ("https://eu-central-1.protection.sophos.com/?d=x.example&u=a", "Sophos Email"),
        ("https://imsva91-ctp.trendmicro.com:443/wis/clicktime/v1/query?url=x", "Trend Micro"),
        ("https://protect2.fireeye.com/v1/url?k=a", "Trellix (FireEye)"),
        ("https://clicktime.symantec.com/abc", "Symantec Email Security"),
        ("https://url.avanan.click/v2/abc", "Check Point Harmony (Avanan)"),
        ("https://fortimail.example.net/fmlurlsvc/?fewReq=a", "Fortinet FortiMail"),
    ];
    for (link, vendor) in samples {
        let mut links = Links::default();
        links.read(format!("<a href=\"{link}\">").as_bytes());
        assert_eq!(links.rewritten.get(vendor), Some(&1), "{link}");
    }
}

#[test]
fn a_vendors_own_pages_are_not_rewritten_links() {
    let mut links = Links::default();
    links.read(b"https://www.trendmicro.com/ https://www.mimecast.com/s/ http://urldefense.com/about xhttp://secure-web.cisco.com/");
    assert_eq!((links.total, links.rewritten.len()), (3, 0));
}

#[test]
fn authentication_results_are_read_with_and_without_an_authority() {
    let named = AuthenticationResults::parse(
        b" mx.example.net 1; spf=pass (a; b) smtp.mailfrom=x@y; dkim=fail; dkim=pass",
    )
    .unwrap();
    assert_eq!(named.by.as_deref(), Some("mx.example.net"));
    assert!(named.passed("spf") && named.passed("dkim"));
    let bare =
        AuthenticationResults::parse(b"spf=softfail (sender IP is 1.2.3.4) x=y; dmarc=none action=none")
            .unwrap();
    assert_eq!((bare.by.as_ref(), bare.methods["spf"].as_str()), (None, "softfail"));
    assert_eq!(AuthenticationResults::parse(b"mx.example.net; none"), None);
}

#[test]
fn the_authors_domain_is_that_of_the_last_address() {
    assert_eq!(domain(b" \"a@b.example\" <c@Spotme.com>\r\n").as_deref(), Some("spotme.com"));
    assert_eq!(domain(b"nobody"), None);
}

#[test]
fn bytes_without_header_fields_are_no_message() {
    assert!(analyse(b"hello world\r\n").is_none());
    assert!(analyse(b"").is_none());
    assert!(analyse(b"From nobody Sun Nov 22 2026\nFrom: a@b.c\n\nhi").is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_the_analysis_panic(raw in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let _ = analyse(&raw);
        let _ = analyse(&[b"From: a@b.c\r\nReceived: ".as_slice(), &raw].concat());
    }

    #[test]
    fn no_mail_like_text_makes_the_analysis_panic(lines in proptest::collection::vec(line(), 0..60)) {
        if let Some(analysis) = analyse(lines.join("\r\n").as_bytes()) {
            prop_assert!(analysis.route.steps.len() <= 30 && analysis.route.skewed.len() <= 30);
            prop_assert!(analysis.route.total.is_none_or(|total| total >= 0));
        }
    }

    #[test]
    fn cutting_loses_and_invents_nothing(raw in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let block = Block::split(&raw);
        let kept: usize = block.fields.iter().map(|field| field.name.len() + field.value.len()).sum();
        prop_assert!(kept + block.tail.len() <= raw.len());
        prop_assert!(raw.ends_with(block.tail) && block.tail.ends_with(block.body));
    }

    #[test]
    fn waits_are_never_negative_and_never_longer_than_the_whole(times in proptest::collection::vec(any::<i64>(), 0..50)) {
        let hops: Vec<Hop> = times.iter().map(|time| hop("a.example", *time)).collect();
        let route = route_of(&hops);
        if let (Some(wait), Some(total)) = (route.slowest, route.total) {
            prop_assert!(wait.seconds >= 0 && wait.seconds <= total);
        }
        prop_assert_eq!(route.skewed.len().min(30) + hops.len() >= route.steps.len(), true);
    }

    #[test]
    fn decoding_never_makes_text_longer(text in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(decode::base64(&text).len() <= text.len());
        prop_assert!(decode::quoted(&text).len() <= text.len());
        let _ = vendor::banner(&text);
    }
}

/// Lines a message is made of, in any order and broken in any way.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "(From|Received|Date|DKIM-Signature|Authentication-Results|X-Spam-Status): [ -~]{0,60}",
        "Received: from [a-z.]{1,9} by [a-z.]{1,9}; Sun, [0-9]{1,3} Nov [0-9]{1,5} [0-9:]{1,9} [+-][0-9]{1,6}",
        "Content-Type: (multipart/mixed; boundary=[ab]|message/rfc822|text/html; charset=x|[ -~]{0,20})",
        "Content-Transfer-Encoding: (base64|quoted-printable|8bit)",
        "--[ab](--)?",
        "(http|https)://[ -~]{0,40}",
        "[ \\t]?[ -~]{0,40}",
        Just(String::new()),
    ]
}

#[test]
fn a_link_inside_a_link_is_counted_once() {
    let mut links = Links::default();
    links.read(b"<a href=\"https://urldefense.com/v3/__https://app.example/login__;!!x\">in</a> https://app.example/?next=https://b.example");
    assert_eq!((links.total, links.rewritten.len()), (2, 1));
}

#[test]
fn fields_below_the_senders_last_hop_are_not_the_receivers() {
    let message =
        b"Received: from out.sender.example by mx.customer.example; Fri, 12 Jun 2026 09:30:07 +0000\r\n\
        Authentication-Results: mx.customer.example; dkim=fail; dmarc=none\r\n\
        Received: from app by out.sender.example; Fri, 12 Jun 2026 09:30:05 +0000\r\n\
        Authentication-Results: mx.forged.example; dkim=pass; dmarc=pass\r\nX-Spam-Flag: YES\r\n\
        From: a@sender.example\r\nDate: Fri, 12 Jun 2026 09:30:04 +0000\r\n\r\nhello\r\n";
    let analysis = analyse(message).expect("a message");
    assert_eq!(analysis.results.len(), 1);
    assert!(!analysis.results[0].passed("dkim"));
    assert!(analysis.junk.is_empty(), "the sender's own spam filter says nothing of the receiver");
}
