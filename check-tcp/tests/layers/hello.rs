//! Whose ClientHello is sent, and what is said where only one of them is answered.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;

use netcheck_lab::pki::{Authority, Leaf};
use netcheck_lab::view::{diagnosed, observed, word};
use netcheck_lab::{Act, Server};
use rustls::crypto::ring::{default_provider, kx_group::SECP384R1};

use crate::view::{Believes as _, NAME, QUICK, SOON, tool};

/// The record's length in a ClientHello's first bytes.
fn record_length(head: &[u8; 5]) -> usize {
    5 + usize::from(u16::from_be_bytes([head[3], head[4]]))
}

/// The first record that a client sends, as hello of this kind.
fn sent(args: &[&str]) -> Vec<u8> {
    let server = Server::tcp(vec![Act::ReadSome, Act::Close]);
    tool(QUICK).args(args).check("https", server.port);
    server.seen().remove(0)
}

#[test]
fn https_sends_a_browsers_hello_and_small_is_for_the_asking() {
    assert!((1700..2200).contains(&sent(&[]).len()));
    assert!((200..400).contains(&sent(&["--hello", "small"]).len()));
}

/// A server that knows one group, which no key share is for.
fn asks_again(leaf: &Leaf) -> Arc<rustls::ServerConfig> {
    let mut provider = default_provider();
    provider.kx_groups = vec![SECP384R1];
    let builder = rustls::ServerConfig::builder_with_provider(Arc::new(provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Arc::new(builder.with_single_cert(leaf.chain(), leaf.key()).unwrap())
}

#[test]
fn a_browsers_hello_passes_with_every_version_and_after_a_hello_retry_request() {
    let root = Authority::new("Lab Public Root");
    let leaf = root.leaf(&[NAME]);
    let configs = [
        leaf.server_config_of(&[], &[&rustls::version::TLS13]),
        leaf.server_config_of(&[], &[&rustls::version::TLS12]),
        asks_again(&leaf),
    ];
    for config in configs {
        let server = Server::bind(([127, 0, 0, 1], 0).into(), Some(config), vec![vec![Act::Stall]]);
        let outcome = tool(QUICK).public(&root).check("tls", server.port);
        assert_eq!(observed(&outcome), "pass -", "{outcome:?}");
    }
}

/// A device that hangs up on ClientHellos of more than so many bytes, before a server.
#[expect(clippy::disallowed_methods, reason = "a device on the path dials the server itself")]
fn device(most: usize, behind: u16) -> Server {
    Server::each(move |wire| {
        let Ok(mut client) = wire.socket().try_clone() else { return };
        let mut head = [0; 5];
        if client.read_exact(&mut head).is_err() || record_length(&head) > most {
            return;
        }
        let mut server = TcpStream::connect(("127.0.0.1", behind)).unwrap();
        server.write_all(&head).unwrap();
        let (mut up, mut down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let back = thread::spawn(move || drop(std::io::copy(&mut server, &mut client)));
        drop(std::io::copy(&mut up, &mut down));
        drop(down.shutdown(std::net::Shutdown::Both));
        back.join().unwrap();
    })
}

#[test]
fn a_device_that_hangs_up_on_long_hellos_is_large_hello() {
    let root = Authority::new("Lab Public Root");
    let server = Server::tls(&root.leaf(&[NAME]), &["http/1.1"], vec![Act::Stall]);
    let device = device(1000, server.port);
    let outcome = tool(SOON).public(&root).check("tls", device.port);
    assert_eq!(
        word(outcome.one(), "/cause/action/kind"),
        "accept_hello",
        "{}",
        serde_json::to_string_pretty(outcome.one()).unwrap()
    );
    // Nothing shows that it ended before the service: no more than medium.
    assert_eq!(diagnosed(&outcome), "fail tls.reset large_hello network medium");
}

#[test]
fn a_server_that_hangs_up_on_every_hello_is_not_large_hello() {
    let server = Server::tcp(vec![Act::ReadSome, Act::Close]);
    let outcome = tool(SOON).check("https", server.port);
    assert_eq!(word(outcome.one(), "/cause/code"), "unknown");
}
