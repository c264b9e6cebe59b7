//! Every way a TLS handshake can end before there is a certificate to judge.

use std::sync::Arc;

use netcheck_lab::pki::{Authority, server_config_for_known_clients};
use netcheck_lab::tool::Outcome;
use netcheck_lab::view::{diagnosed, observed, word};
use netcheck_lab::{Act, Server};

use crate::view::{Believes as _, NAME, QUICK, tool};

fn against(acts: Vec<Act>) -> Outcome {
    let server = Server::tcp(acts);
    tool(QUICK).check("tls", server.port)
}

fn after_hello(act: Act) -> Outcome {
    against(vec![Act::ReadSome, act])
}

fn detail(outcome: &Outcome) -> String {
    word(outcome.one(), "/failure/detail")
}

fn alert(number: u8) -> Act {
    Act::send([21, 3, 3, 0, 2, 2, number])
}

/// A ServerHello of TLS 1.0: version, random, no session, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, no compression.
fn old_hello() -> Vec<u8> {
    let body = [&[3, 1][..], &[7; 32], &[0, 0xc0, 0x13, 0]].concat();
    let message = [&[2, 0, 0, u8::try_from(body.len()).unwrap()][..], &body].concat();
    [&[22, 3, 1, 0, u8::try_from(message.len()).unwrap()][..], &message].concat()
}

#[test]
fn silence_after_the_hello_is_tls_timeout() {
    let outcome = after_hello(Act::Stall);
    assert_eq!(observed(&outcome), "fail tls.timeout");
    assert_eq!(detail(&outcome), "no answer within 0.5 s");
    assert_eq!(outcome.code, 1);
}

#[test]
fn a_reset_after_the_hello_is_tls_reset() {
    let outcome = after_hello(Act::Reset);
    assert_eq!(
        (observed(&outcome), detail(&outcome)),
        ("fail tls.reset".into(), "connection reset after ClientHello".into())
    );
}

#[test]
fn a_close_after_the_hello_is_tls_closed() {
    let outcome = after_hello(Act::Close);
    assert_eq!(
        (observed(&outcome), detail(&outcome)),
        ("fail tls.closed".into(), "connection closed after ClientHello".into())
    );
}

#[test]
fn a_handshake_cut_in_the_middle_says_how() {
    let half = || Act::send(&old_hello()[..20]);
    assert_eq!(observed(&against(vec![Act::ReadSome, half(), Act::Stall])), "fail tls.timeout");
    assert_eq!(observed(&against(vec![Act::ReadSome, half(), Act::Close])), "fail tls.closed");
    // A reset overtakes nothing here: the bytes before it may be lost, the code stays.
    assert_eq!(observed(&against(vec![Act::ReadSome, half(), Act::Reset])), "fail tls.reset");
}

#[test]
fn an_alert_is_told_by_its_number() {
    let outcome = after_hello(alert(40));
    assert_eq!(observed(&outcome), "fail tls.alert");
    assert_eq!(outcome.one()["facts"]["tls"]["alert"], 40);
    assert_eq!(detail(&outcome), "TLS alert 40: handshake failure");
    for number in [80, 112, 116, 200] {
        let outcome = after_hello(alert(number));
        assert_eq!(observed(&outcome), "fail tls.alert", "{number}");
        assert_eq!(outcome.one()["facts"]["tls"]["alert"], number);
    }
}

#[test]
fn the_alert_for_an_old_version_is_tls_version_of_the_service() {
    let outcome = after_hello(alert(70));
    assert_eq!(diagnosed(&outcome), "fail tls.version service_misconfigured service low");
    assert_eq!(outcome.one()["facts"]["tls"]["alert"], 70);
}

#[test]
fn a_server_that_speaks_only_tls_1_0_is_tls_version() {
    let outcome = after_hello(Act::Send(old_hello()));
    assert_eq!(diagnosed(&outcome), "fail tls.version service_misconfigured service low");
}

#[test]
fn the_alert_for_no_common_protocol_is_tls_alpn() {
    let server = Server::tcp(vec![Act::ReadSome, alert(120)]);
    let outcome = tool(QUICK).args(["--alpn", "imap"]).check("tls", server.port);
    assert_eq!(diagnosed(&outcome), "fail tls.alpn service_misconfigured service low");
    assert!(server.seen()[0].windows(5).any(|part| part == b"\x04imap"));
}

#[test]
fn what_is_not_tls_is_shown_by_its_first_line() {
    for (answer, first) in [
        ("HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n<html>", "HTTP/1.1 400 Bad Request"),
        ("SSH-2.0-OpenSSH_9.2p1\r\n", "SSH-2.0-OpenSSH_9.2p1"),
        ("220 mail.example ESMTP\r\n", "220 mail.example ESMTP"),
        ("<html>\n<title>Blocked</title>", "<html>"),
    ] {
        let outcome = after_hello(Act::send(answer));
        assert_eq!(observed(&outcome), "fail tls.not_tls", "{answer}");
        assert_eq!(detail(&outcome), format!("the answer begins with \"{first}\""));
    }
}

#[test]
fn a_server_that_speaks_first_is_not_tls_either() {
    let outcome = against(vec![Act::send("SSH-2.0-OpenSSH_9.2p1\r\n"), Act::Stall]);
    assert_eq!(observed(&outcome), "fail tls.not_tls");
    assert!(detail(&outcome).contains("SSH-2.0-OpenSSH_9.2p1"), "{outcome:?}");
}

#[test]
fn garbage_too_short_for_a_record_is_not_tls() {
    let outcome = against(vec![Act::ReadSome, Act::send("hm"), Act::Close]);
    assert_eq!(observed(&outcome), "fail tls.not_tls");
    assert_eq!(detail(&outcome), "the answer begins with \"hm\"");
}

#[test]
fn garbage_that_begins_like_tls_is_not_tls_and_is_not_quoted() {
    let outcome = after_hello(Act::send([&[22, 3, 3, 0, 9][..], &[0xff; 9]].concat()));
    assert_eq!(observed(&outcome), "fail tls.not_tls");
    assert!(!detail(&outcome).contains("begins with"), "{outcome:?}");
}

#[test]
fn escape_sequences_in_the_first_line_lose_their_power() {
    let outcome = after_hello(Act::send("\u{1b}]0;owned\u{7}\u{202e}\r\n"));
    assert_eq!(detail(&outcome), "the answer begins with \"\\u{1b}]0;owned\\u{7}\\u{202e}\"");
}

#[test]
fn the_stages_tell_how_far_it_got() {
    let outcome = after_hello(Act::Close);
    let stages: Vec<_> =
        outcome.one()["stages"].as_array().unwrap().iter().map(|s| (&s["stage"], &s["ok"])).collect();
    assert_eq!(stages, [(&"tcp".into(), &true.into()), (&"tls".into(), &false.into())]);
    assert_eq!(outcome.one()["facts"]["tls"]["sni"], crate::view::NAME);
}

#[test]
fn a_server_that_wants_a_certificate_of_its_clients_is_recognised_after_the_handshake() {
    let root = Authority::new("Lab Public Root");
    let config = server_config_for_known_clients(&root.leaf(&[NAME]), &Authority::new("Members"));
    let server = Server::raw(move |mut socket| {
        let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        // It ends with the alert (RFC 8446 section 6.2).
        while connection.complete_io(&mut socket).is_ok_and(|(read, _)| read > 0) {}
        let _ = socket.shutdown(std::net::Shutdown::Write);
        let _ = std::io::copy(&mut socket, &mut std::io::sink());
    });
    let outcome = tool(QUICK).public(&root).check("https", server.port);
    assert_eq!(observed(&outcome), "fail tls.alert");
    assert_eq!(detail(&outcome), "TLS alert 116: certificate required");
}
