//! Whatever the bytes, reading a ClientHello ends well, and what is read is written back the same.

use proptest::prelude::*;

use super::*;
use crate::tls::{BROWSER_LENGTH, Hello, client_hello, is_grease};
use netcheck_record::scheme::HelloKind;
use netcheck_record::target::Host;

fn hello(kind: HelloKind) -> ClientHello {
    let name = Host::Name("www.spotme.com".to_owned());
    let alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    client_hello(&Hello { kind, alpn, ..Hello::to(&name) }).unwrap()
}

#[test]
fn a_browsers_hello_has_its_groups_key_shares_and_length() {
    let hello = hello(HelloKind::Browser);
    let plain = |group: &u16| !is_grease(*group);
    let groups: Vec<u16> = hello.groups().into_iter().filter(plain).collect();
    assert_eq!(groups, [HYBRID, 29, 23, 24]);
    let shares: Vec<(u16, usize)> =
        hello.key_shares().into_iter().filter(|(group, _)| !is_grease(*group)).collect();
    assert_eq!(shares, [(HYBRID, 1216), (29, 32)]);
    assert_eq!(hello.record().len(), BROWSER_LENGTH + 19);
    assert_eq!(hello.record_length(), hello.record().len());
}

#[test]
fn no_extension_of_a_browsers_hello_comes_twice() {
    let mut kinds: Vec<u16> = hello(HelloKind::Browser).extensions.iter().map(|(kind, _)| *kind).collect();
    let all = kinds.len();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), all);
}

#[test]
fn a_small_hello_fits_one_packet_and_has_no_post_quantum_share() {
    let hello = hello(HelloKind::Small);
    assert_eq!(hello.key_shares(), [(29, 32)]);
    assert!(hello.record().len() < 500);
}

#[test]
fn one_change_leaves_the_rest_as_it_was() {
    let browser = hello(HelloKind::Browser);
    let without = browser.without_group(HYBRID);
    assert!(!without.groups().contains(&HYBRID));
    assert_eq!(without.key_shares().len(), browser.key_shares().len() - 1);
    assert_eq!(without.padded_to(browser.record_length()).record().len(), browser.record().len());
    let other = browser.with_name(Some("example.com"));
    assert_eq!(other.with_name(Some("www.spotme.com")), browser);
    assert_eq!(browser.with_name(None).extension(extension::SERVER_NAME), None);
    assert_eq!(browser.without(extension::ALPN).extensions.len(), browser.extensions.len() - 1);
}

#[test]
fn padding_gives_the_length_asked_for_and_never_cuts() {
    let small = hello(HelloKind::Small);
    assert_eq!(small.padded_to(1460).record().len(), 1460);
    assert_eq!(small.padded_to(10), small);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(raw in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = ClientHello::parse(&raw);
        if let Some(read) = ClientHello::parse_record(&raw) {
            prop_assert_eq!(read.message().len() + 5, raw.len());
        }
    }

    #[test]
    fn a_hello_with_wrong_bytes_is_read_without_harm(
        faults in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        static GOOD: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let mut raw = GOOD.get_or_init(|| hello(HelloKind::Browser).message()).clone();
        for (at, byte) in faults {
            let at = at.index(raw.len());
            raw[at] = byte;
        }
        if let Some(read) = ClientHello::parse(&raw) {
            let _ = (read.groups(), read.key_shares(), read.padded_to(2500).record());
            prop_assert_eq!(read.message(), raw);
        }
    }
}
