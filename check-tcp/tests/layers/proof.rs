//! `--prove wildcard`: a second handshake under a name nobody has listed.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use netcheck_lab::pki::Authority;
use netcheck_lab::tool::Outcome;
use netcheck_lab::view::{diagnosed, observed, word};
use netcheck_lab::{Act, Server, closed_port};

use crate::front::{Front, Reaction};
use crate::view::{Believes as _, NAME, SOON, tool};

/// A service with a wildcard certificate; random_names meet their reaction.
fn prove(names: &[&str], reaction: fn() -> Option<Reaction>) -> (Outcome, Vec<String>) {
    let root = Authority::new("Lab Public Root");
    let config = root.leaf(names).server_config(&["http/1.1"]);
    let front = Front::new(move |name| {
        let random_name = name.starts_with("netcheck-").then(reaction).flatten();
        random_name.unwrap_or_else(|| Reaction::Speak(config.clone()))
    });
    let outcome = tool(SOON).args(["--prove", "wildcard"]).public(&root).check("tls", front.port);
    (outcome, front.names())
}

const ZONE: &[&str] = &["spotme.com", "*.spotme.com"];

#[test]
fn a_genuine_answer_to_a_random_name_proves_the_wildcard() {
    let (outcome, names) = prove(ZONE, || None);
    assert_eq!(observed(&outcome), "pass -");
    assert_eq!(word(outcome.one(), "/facts/prove/wildcard"), "proven");
    assert!(names.len() == 2 && names[1].starts_with("netcheck-") && names[1].ends_with(".spotme.com"));
    assert_eq!(word(outcome.one(), "/facts/tls/sni"), NAME);
}

#[test]
fn a_reset_for_a_random_name_means_that_only_listed_names_pass() {
    let (outcome, _) = prove(ZONE, || Some(Reaction::Reset));
    assert_eq!(diagnosed(&outcome), "degraded tls.reset sni_filter network medium");
    assert_eq!(word(outcome.one(), "/facts/prove/wildcard"), "listed_only");
    assert!(word(outcome.one(), "/cause/fix").contains("*.spotme.com"), "{outcome:?}");
}

#[test]
fn silence_for_a_random_name_means_that_only_listed_names_pass() {
    let (outcome, _) = prove(ZONE, || Some(Reaction::Stall));
    assert_eq!(diagnosed(&outcome), "degraded tls.timeout sni_filter network medium");
}

#[test]
fn a_close_for_a_random_name_may_be_the_services_own() {
    let (outcome, _) = prove(ZONE, || Some(Reaction::Close));
    assert_eq!(diagnosed(&outcome), "degraded tls.closed sni_filter network low");
}

#[test]
fn a_certificate_for_single_names_proves_no_wildcard() {
    let (outcome, _) = prove(&[NAME], || None);
    assert_eq!(observed(&outcome), "pass -");
    assert_eq!(word(outcome.one(), "/facts/prove/wildcard"), "unproven");
}

/// A proxy that lets the listed name through to a service and denies the random_name, whose address is known or not.
#[expect(clippy::disallowed_methods, reason = "a proxy of the test's own connects as proxies do")]
fn through_a_list(known: bool) -> Outcome {
    let root = Authority::new("Lab Public Root");
    let service = Server::tls(&root.leaf(ZONE), &[], vec![Act::Stall]);
    let port = service.port;
    let proxy = Server::each(move |wire| {
        let mut client = wire.socket().try_clone().unwrap();
        let mut head = [0; 1024];
        let length = client.read(&mut head).unwrap();
        if head[..length].starts_with(b"CONNECT netcheck-") {
            client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").unwrap();
            return;
        }
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let mut far = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (mut back, mut out) = (far.try_clone().unwrap(), client.try_clone().unwrap());
        let up = thread::spawn(move || io::copy(&mut client, &mut far));
        let _ = io::copy(&mut back, &mut out);
        drop(out.shutdown(Shutdown::Both));
        drop(up.join());
    });
    let via = format!("http://127.0.0.1:{}", proxy.port);
    let nobody = format!("127.0.0.1:{}", closed_port());
    let tool = tool(SOON).args(["--prove", "wildcard", "--proxy", &via, "--resolver", &nobody]).public(&root);
    let tool = if known { tool.args(["--connect-to", &format!("{RANDOM_NAME}=127.0.0.1")]) } else { tool };
    tool.check("tls", 443)
}

/// The name that seed 0 makes.
const RANDOM_NAME: &str = "netcheck-1c1b99c1.spotme.com";

#[test]
fn a_proxy_that_denies_a_random_name_with_an_address_lists_its_names() {
    let outcome = through_a_list(true);
    assert_eq!(diagnosed(&outcome), "degraded proxy.denied proxy_policy proxy medium");
    assert_eq!(word(outcome.one(), "/facts/prove/wildcard"), "listed_only");
}

#[test]
fn a_proxy_that_denies_a_random_name_without_an_address_proves_nothing() {
    let outcome = through_a_list(false);
    assert_eq!(observed(&outcome), "pass -");
    assert_eq!(word(outcome.one(), "/facts/prove/wildcard"), "unproven");
}
