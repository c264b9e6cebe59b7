//! `--message`: who had the message, what the receiving side decided, and whose signature it bears.

use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::view::failure_detail;
use serde_json::{Value, json};

use crate::messages::{Signer, carried, login};
use crate::tool;

fn check(signer: &Signer, message: &str, more: &[&str]) -> Value {
    check_in(signer.zone(), message, more)
}

fn check_in(zone: Zone, message: &str, more: &[&str]) -> Value {
    let dns = DnsServer::start(zone);
    let args = ["--message", "m.eml", "--timeout", "1", "--resolver", &dns.addr.to_string()];
    tool().file("m.eml", message).args(args).args(more).run().one().clone()
}

fn fix(record: &Value) -> &str {
    record["cause"]["fix"].as_str().unwrap_or_default()
}

#[test]
fn the_filter_that_held_a_message_is_asked_by_name_not_the_host_that_got_it() {
    let signer = Signer::new();
    let hops = [
        ("mail.spotme.com", 0),
        ("mx0b-00777701.pphosted.com", 2),
        ("mx0b-00777701.pphosted.com", 2),
        ("mailbox.example.net", 1300),
    ];
    let record = check(&signer, &carried(&signer.sign(&login()), &hops), &[]);
    assert_eq!(record["failure"]["code"], "mail.delayed", "{record}");
    assert!(
        fix(&record).starts_with("On mx0b-00777701.pphosted.com (") && fix(&record).contains("Proofpoint"),
        "{record}"
    );
    assert_eq!(record["facts"]["message"]["gateways"], json!(["Proofpoint"]));
}

#[test]
fn a_scanner_on_the_gateway_is_named_by_the_gateway() {
    let signer = Signer::new();
    let at = |time: &str| format!("Sun, 22 Nov 2026 {time} +0000");
    let message = format!(
        "Received: from localhost (localhost [127.0.0.1]) by mx.example.net (Postfix) with ESMTP id 2; {}\r\n\
         Received: from mx.example.net ([127.0.0.1]) by localhost (mx.example.net [127.0.0.1]) (amavis, port 10024) with ESMTP id 1; {}\r\n{}",
        at("07:14:03"),
        at("07:14:02"),
        carried(&signer.sign(&login()), &[("mail.spotme.com", 0), ("mx.example.net", 2)])
    );
    let record = check(&signer, &message, &[]);
    assert!(
        fix(&record).starts_with("On mx.example.net (") && fix(&record).contains("its scanner amavis"),
        "{record}"
    );
    insta::assert_snapshot!(failure_detail(&record), @"the message took 843 s; 840 s of them on mx.example.net, in its scanner amavis");
}

#[test]
fn a_gateway_that_took_the_message_first_is_not_the_sender() {
    let signer = Signer::new();
    let record = check(
        &signer,
        &carried(&signer.sign(&login()), &[("gw.example.net", 1), ("mbx.example.net", 700)]),
        &[],
    );
    assert_eq!(
        (&record["cause"]["who"], &record["cause"]["code"]),
        (&json!("network"), &json!("mail_gateway"))
    );
    assert!(fix(&record).starts_with("On gw.example.net ("), "{record}");
}

#[test]
fn a_host_named_by_mail_host_is_the_senders() {
    let signer = Signer::new();
    let hops = [("relay.esp.example", 0), ("out.esp.example", 400), ("mx.example.net", 401)];
    let record = check(&signer, &carried(&signer.sign(&login()), &hops), &["--mail-host", "out.esp.example"]);
    assert_eq!(record["cause"]["who"], "service", "{record}");
}

#[test]
fn another_address_than_the_published_one_is_mail_address_mismatch() {
    let signer = Signer::new();
    let message = carried(&signer.sign(&login()), &[("mail.spotme.com", 0), ("mx.example.net", 1)]);
    let record = check(&signer, &message, &["--sender", "203.0.113.7"]);
    assert_eq!(record["verdict"], "degraded");
    assert_eq!(record["failure"]["code"], "mail.address_mismatch");
    assert_eq!(
        record["failure"]["detail"],
        "mx.example.net took the message from 198.2.132.142; the published address is 203.0.113.7"
    );
    assert_eq!(check(&signer, &message, &["--sender", "198.2.132.142"])["verdict"], "pass");
}

#[test]
fn a_host_of_the_receivers_is_no_sender_with_another_address() {
    let signer = Signer::new();
    let sent = carried(&signer.sign(&login()), &[("mail.spotme.com", 0)]);
    let message = format!(
        "Received: from ([10.1.2.3]) by mailbox.example.net with SMTPSVC(10.0); Sun, 22 Nov 2026 07:05:00 +0000\r\n\
         Received: from appliance.example.net ([10.1.2.3]) by inbound.example.net with ESMTP id 1; Sun, 22 Nov 2026 07:00:02 +0000\r\n{sent}"
    );
    let record = check(&signer, &message, &["--sender", "203.0.113.7"]);
    assert_eq!(record["failure"]["code"], "mail.delayed", "{record}");
    assert!(
        fix(&record).starts_with("On inbound.example.net (appliance.example.net, 10.1.2.3, SMTP)"),
        "{record}"
    );
    assert!(!record.to_string().contains("mail.address_mismatch"));
}

#[test]
fn what_the_receiving_side_filed_as_junk_is_mail_junk() {
    let signer = Signer::new();
    let message = carried(&signer.sign(&login()), &[("mail.spotme.com", 0), ("mx.example.net", 1)]);
    for field in [
        "X-Spam-Flag: YES",
        "X-Forefront-Antispam-Report: CIP:198.2.132.142;SCL:5;SFV:SPM;CAT:SPM;",
        "X-Microsoft-Antispam-Mailbox-Delivery: ucf:0;jmr:0;dest:J;",
        "Authentication-Results: mx.example.net; dmarc=fail (p=none) header.from=spotme.com",
        "Authentication-Results: spf=pass; dkim=pass; dmarc=pass; compauth=fail reason=601",
    ] {
        let record = check(&signer, &format!("{field}\r\n{message}"), &[]);
        assert_eq!(
            (&record["verdict"], &record["failure"]["code"]),
            (&json!("degraded"), &json!("mail.junk")),
            "{field}: {record}"
        );
    }
    let own = message.replacen(
        "DKIM-Signature:",
        "X-Spam-Flag: YES\r\nAuthentication-Results: x.example; dmarc=fail\r\nDKIM-Signature:",
        1,
    );
    assert_eq!(
        check(&signer, &own, &[])["verdict"],
        "pass",
        "fields below the sender's last hop are the sender's"
    );
}

#[test]
fn a_result_the_sender_forged_is_no_evidence_of_a_change_by_the_gateway() {
    let signer = Signer::new();
    let signed = signer.sign(&login()).replace("Regards", "Good bye");
    let forged = format!("Authentication-Results: mx.example.net; dkim=pass header.d=spotme.com\r\n{signed}");
    let message = carried(&forged, &[("mail.spotme.com", 0), ("mx.example.net", 1)]);
    let record = check(&signer, &message, &[]);
    assert_eq!(record["failure"]["code"], "mail.body_changed");
    assert_eq!(record["cause"]["evidence"].as_array().unwrap().len(), 1, "{record}");
}

#[test]
fn a_signature_of_the_mail_service_is_not_the_authors() {
    let signer = Signer::new();
    let signed = signer.sign(&login().replace("@spotme.com", "@event.example"));
    let record = check(&signer, &carried(&signed, &[("mail.event.example", 0), ("mx.example.net", 1)]), &[]);
    assert_eq!(record["facts"]["message"]["dkim"][0]["result"], "valid", "{record}");
    assert_eq!(record["failure"]["code"], "mail.no_dkim");
    insta::assert_snapshot!(failure_detail(&record), @"no DKIM signature is one of event.example; there are those of spotme.com");
}

#[test]
fn a_signature_that_cannot_be_verified_says_why() {
    /// An RSA key of 512 bits.
    const SHORT: &str = "v=DKIM1; k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAM0jBA6ETg0mT3JH8x9h7LH94B6/8gIdlYXa9+77lOWKiuMutJtcdwlDj4l+PWXJUd3wFx8a+bIASNJr0d0zC1cCAwEAAQ==";
    let signer = Signer::new();
    let message = |signed: String| carried(&signed, &[("mail.spotme.com", 0), ("mx.example.net", 1)]);
    let signed = || signer.sign(&login());
    let zone = |record: &str| Zone::new().txt("mandrill._domainkey.spotme.com", record);
    let rsa = signed().replacen("a=ed25519-sha256", "a=rsa-sha256", 1);
    let service = signer.record().replacen("v=DKIM1;", "v=DKIM1; s=tlsrpt;", 1);
    for (zone, message, words) in [
        (zone(SHORT), message(rsa), "512 bits, too short"),
        (zone(&service), message(signed()), "key for another service (s=tlsrpt)"),
        (signer.zone(), message(signed().replacen("v=1;", "v=3;", 1)), "version is unknown (v=3)"),
        (signer.zone(), message(signed().replacen("a=ed25519-sha256", "a=rsa-sha1", 1)), "rsa-sha1"),
    ] {
        let record = check_in(zone, &message, &[]);
        assert_eq!(record["failure"]["code"], "mail.dkim_invalid", "{words}: {record}");
        assert!(record["failure"]["detail"].as_str().unwrap().contains(words), "{words}: {record}");
    }
}

#[test]
fn a_signature_of_a_part_of_the_body_covers_that_part_in_any_line_ends() {
    let signer = Signer::new();
    let body = login().split_once("\r\n\r\n").unwrap().1.len() as u64;
    let signed = signer.sign_part(&login(), body);
    let message =
        carried(&format!("{signed}-- \r\nfooter\r\n"), &[("mail.spotme.com", 0), ("mx.example.net", 1)]);
    for text in [message.clone(), message.replace("\r\n", "\n")] {
        let record = check(&signer, &text, &[]);
        assert_eq!(record["verdict"], "pass", "{record}");
        assert_eq!(record["facts"]["message"]["dkim"][0]["signed_bytes"], body);
    }
}

#[test]
fn no_max_delay_makes_a_useless_link_pass() {
    let signer = Signer::new();
    let message = carried(&signer.sign(&login()), &[("mail.spotme.com", 0), ("mx.example.net", 1900)]);
    let record = check(&signer, &message, &["--max-delay", "7200"]);
    assert_eq!((&record["verdict"], &record["failure"]["code"]), (&json!("fail"), &json!("mail.delayed")));
}

#[test]
fn clocks_that_contradict_each_other_are_mail_undated() {
    let signer = Signer::new();
    let earlier = carried(&signer.sign(&login()), &[("mail.spotme.com", 2402)]);
    let message = format!(
        "Received: from mail.spotme.com (unknown [198.2.132.142]) by mx.example.net; Sun, 22 Nov 2026 07:10:00 +0000\r\n{}",
        earlier.replace("Date: Sun, 22 Nov 2026 07:00:00", "Date: Sun, 22 Nov 2026 07:40:00")
    );
    let record = check(&signer, &message, &[]);
    assert_eq!(
        (&record["verdict"], &record["failure"]["code"]),
        (&json!("inconclusive"), &json!("mail.undated")),
        "{record}"
    );
    assert_eq!(record["facts"]["message"]["total_s"], Value::Null);
}
