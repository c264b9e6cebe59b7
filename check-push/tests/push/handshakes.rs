//! Every way the handshake of a device can end.

use netcheck_lab::pki::Authority;
use netcheck_lab::view::explained;
use netcheck_lab::{Act, Server};

use crate::fake_service::{APNS, Believes as _, COURIER, HOST, Origin, missing_token, tool};

fn after_hello(acts: Vec<Act>) -> String {
    let acts = [vec![Act::ReadSome], acts].concat();
    let server = Server::tcp(acts);
    explained(&tool().args(["--timeout", "0.5", "--diagnose", "never"]).check("apns", HOST, server.port))
}

fn alert(number: u8) -> Act {
    Act::send([21, 3, 3, 0, 2, 2, number])
}

fn code(words: &str) -> &str {
    words.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn silence_after_the_hello_is_tls_timeout() {
    assert_eq!(code(&after_hello(vec![Act::Stall])), "tls.timeout");
}

#[test]
fn a_reset_after_the_hello_is_tls_reset() {
    assert_eq!(code(&after_hello(vec![Act::Reset])), "tls.reset");
}

#[test]
fn a_close_after_the_hello_is_tls_closed() {
    assert_eq!(code(&after_hello(vec![Act::Close])), "tls.closed");
}

#[test]
fn an_alert_is_tls_alert_and_two_of_them_have_codes_of_their_own() {
    assert_eq!(code(&after_hello(vec![alert(40)])), "tls.alert");
    assert_eq!(code(&after_hello(vec![alert(70)])), "tls.version");
    assert_eq!(code(&after_hello(vec![alert(120)])), "tls.alpn");
}

#[test]
fn plaintext_is_tls_not_tls() {
    assert_eq!(code(&after_hello(vec![Act::send("HTTP/1.1 400 Bad Request\r\n\r\n")])), "tls.not_tls");
}

#[test]
fn a_server_of_other_protocols_is_tls_alpn() {
    let apple = Authority::new("Lab Apple Root CA");
    let origin = Origin::new(&apple.leaf(&[COURIER]), missing_token());
    let outcome = tool().apple(&apple).check("apns", HOST, origin.port);
    assert_eq!(code(&explained(&outcome)), "tls.alpn");
}

#[test]
fn a_certificate_for_another_name_is_tls_name_mismatch() {
    let apple = Authority::new("Lab Apple Root CA");
    let server = Server::tls(&apple.leaf(&["push.example"]), APNS, vec![Act::Stall]);
    let outcome = tool().apple(&apple).check("apns", HOST, server.port);
    assert_eq!(code(&explained(&outcome)), "tls.name_mismatch");
}

#[test]
fn a_certificate_out_of_time_says_which_way() {
    let apple = Authority::new("Lab Apple Root CA");
    for (from, to, expected) in [(-90, -1, "tls.expired"), (1, 90, "tls.not_yet_valid")] {
        let server = Server::tls(&apple.leaf_valid(&[COURIER], from, to), APNS, vec![Act::Stall]);
        let outcome = tool().apple(&apple).check("apns", HOST, server.port);
        assert_eq!(code(&explained(&outcome)), expected);
    }
}
