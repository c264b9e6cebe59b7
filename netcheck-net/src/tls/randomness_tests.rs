use std::io;

use netcheck_record::scheme::HelloKind;
use netcheck_record::target::Host;

use super::*;
use crate::tls::config::begin;
use crate::tls::{Hello, Recorder, server_name};

fn hello(kind: HelloKind) -> Hello {
    let name = Host::parse("eu-channel.spotme.com").unwrap();
    Hello { kind, alpn: vec![b"h2".to_vec()], ..Hello::to(&name) }
}

fn write(hello: &Hello) -> io::Result<Vec<u8>> {
    begin(hello, &Recorder::new(hello.kind), server_name(&hello.name).unwrap())
}

#[test]
fn a_client_hello_is_made_again_byte_for_byte() {
    for kind in [HelloKind::Browser, HelloKind::Small] {
        let hello = hello(kind);
        let (sent, randomness) = Randomness::keep(|| write(&hello));
        let sent = sent.unwrap();
        let drawn = randomness.drawn();
        assert_eq!(Randomness::to_show(&drawn).again(|| write(&hello)).unwrap(), sent);
        assert_eq!(randomness.again(|| write(&hello)).unwrap(), sent);
        let (other, mut randomness) = Randomness::keep(|| write(&hello));
        randomness.forget_share();
        let other = other.unwrap();
        assert_ne!(other, sent);
        assert_eq!(randomness.again(|| write(&hello)).unwrap(), other);
    }
}

#[test]
fn what_is_kept_of_one_client_hello_is_in_no_other() {
    let hello = hello(HelloKind::Browser);
    let (sent, randomness) = Randomness::keep(|| write(&hello));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        randomness.again(|| panic!("in the midst of it"));
    }));
    assert!(panicked.is_err());
    assert_ne!(sent.unwrap(), write(&hello).unwrap());
}

#[test]
fn keys_that_are_elsewhere_complete_nothing() {
    let (_, randomness) = Randomness::keep(|| write(&hello(HelloKind::Small)));
    let shown = Randomness::to_show(&randomness.drawn()).again(|| KeptX25519.start()).unwrap();
    assert!(shown.complete(&[9; 32]).is_err());
}
