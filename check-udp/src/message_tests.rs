//! Test vectors of RFC 5769, and proofs that no bytes make the codec panic.

use proptest::prelude::*;

use super::*;

/// RFC 5769 section 2.2.
const IPV4_RESPONSE: &[u8] = b"\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7\x80\x28\x00\x04\xc0\x7d\x4c\x96";
/// RFC 5769 section 2.3, without its signature and fingerprint.
const IPV6_ADDRESS: &[u8] = b"\x01\x01\x00\x18\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9";
const ID: Id = *b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";

#[test]
fn the_sample_ipv4_response_of_rfc_5769_is_read() {
    let message = Message::parse(IPV4_RESPONSE).expect("a valid message");
    assert_eq!((message.class, message.method, message.id), (Class::Success, method::BINDING, ID));
    assert_eq!(message.xor_address(attribute::XOR_MAPPED_ADDRESS), "192.0.2.1:32853".parse().ok());
    assert_eq!(message.value(attribute::SOFTWARE), Some(&b"test vector"[..]));
    assert_eq!(message.address(attribute::MAPPED_ADDRESS), None);
}

#[test]
fn the_sample_ipv6_address_of_rfc_5769_is_read() {
    let message = Message::parse(IPV6_ADDRESS).expect("a valid message");
    let expected = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().ok();
    assert_eq!(message.xor_address(attribute::XOR_MAPPED_ADDRESS), expected);
}

#[test]
fn a_request_signed_with_long_term_credentials_verifies_with_the_same_password_only() {
    let key = Key::new("user", "realm.example", "right");
    let bytes = Writer::new(Class::Request, method::ALLOCATE, ID)
        .attribute(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0])
        .attribute(attribute::USERNAME, b"user")
        .signed(&key)
        .finish();
    let message = Message::parse(&bytes).expect("our own message");
    assert!(message.signed_by(&key));
    assert!(!message.signed_by(&Key::new("user", "realm.example", "wrong")));
    let mut forged = bytes.clone();
    forged[24] ^= 1;
    assert!(!Message::parse(&forged).expect("still a message").signed_by(&key));
}

#[test]
fn another_library_reads_what_we_write() {
    let key = Key::new("user", "realm.example", "pass");
    let bytes = Writer::new(Class::Request, method::ALLOCATE, ID)
        .attribute(attribute::USERNAME, b"user")
        .signed(&key);
    let bytes = bytes.finish();
    let theirs = stun_types::message::Message::from_bytes(&bytes).expect("a message to stun-types");
    assert_eq!(theirs.method().value(), method::ALLOCATE);
    assert!(theirs.validate_integrity_with_key(&key.0).is_ok());
}

#[test]
fn an_error_response_gives_number_and_phrase() {
    let bytes = Writer::new(Class::Error, method::ALLOCATE, ID)
        .attribute(attribute::ERROR_CODE, b"\0\0\x04\x01Unauthorized")
        .finish();
    let message = Message::parse(&bytes).expect("our own message");
    assert_eq!(message.error(), Some((401, &b"Unauthorized"[..])));
    let silly =
        Writer::new(Class::Error, method::ALLOCATE, ID).attribute(attribute::ERROR_CODE, b"\0\0\x07\xff");
    assert_eq!(Message::parse(&silly.finish()).expect("our own message").error(), None);
}

#[test]
fn lying_lengths_are_told_apart_from_other_protocols() {
    let mut longer = IPV6_ADDRESS.to_vec();
    longer[3] += 4;
    assert_eq!(Message::parse(&longer).err(), Some(Malformed::Length));
    let mut attribute = IPV6_ADDRESS.to_vec();
    attribute[23] += 4;
    assert_eq!(Message::parse(&attribute).err(), Some(Malformed::Attribute));
    assert_eq!(Message::parse(&IPV6_ADDRESS[..16]).err(), Some(Malformed::NotStun));
    assert_eq!(Message::parse(b"HTTP/1.1 400 Bad Request\r\n\r\n").err(), Some(Malformed::NotStun));
    let mut cookie = IPV6_ADDRESS.to_vec();
    cookie[4] = 0;
    assert_eq!(Message::parse(&cookie).err(), Some(Malformed::NotStun));
}

#[test]
fn a_stream_is_cut_by_the_announced_length() {
    assert_eq!(frame(&IPV6_ADDRESS[..7]), None);
    assert_eq!(frame(IPV6_ADDRESS), Some(Ok(IPV6_ADDRESS.len())));
    assert_eq!(frame(b"SSH-2.0-x"), Some(Err(Malformed::NotStun)));
}

fn every_reading(bytes: &[u8]) {
    let _ = frame(bytes);
    let Ok(message) = Message::parse(bytes) else { return };
    for kind in 0..=0x30 {
        let _ = (message.value(kind), message.address(kind), message.xor_address(kind));
    }
    let _ = (message.error(), message.address(attribute::OTHER_ADDRESS));
    let _ = message.signed_by(&Key::new("u", "r", "p"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        every_reading(&bytes);
    }

    #[test]
    fn no_attributes_behind_a_true_header_make_the_reader_panic(
        parts in proptest::collection::vec((0u16..0x40, 0u16..40, proptest::collection::vec(any::<u8>(), 0..24)), 0..12),
    ) {
        let mut bytes = IPV6_ADDRESS[..20].to_vec();
        for (kind, length, value) in parts {
            bytes.extend(kind.to_be_bytes());
            bytes.extend(length.to_be_bytes());
            bytes.extend(value);
        }
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let length = u16::try_from(bytes.len() - 20).unwrap_or_default();
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        every_reading(&bytes);
    }

    #[test]
    fn what_is_written_is_read_back(
        method in 0u16..0x1000, id in any::<[u8; 12]>(), port in any::<u16>(), v4 in any::<[u8; 4]>(),
        v6 in any::<[u8; 16]>(), text in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let (four, six) = (SocketAddr::new(IpAddr::from(v4), port), SocketAddr::new(IpAddr::from(v6), port));
        for class in [Class::Request, Class::Indication, Class::Success, Class::Error] {
            let bytes = Writer::new(class, method, id)
                .xor_address(attribute::XOR_MAPPED_ADDRESS, four)
                .address(attribute::MAPPED_ADDRESS, six)
                .attribute(attribute::DATA, &text)
                .finish();
            let message = Message::parse(&bytes).expect("our own message");
            prop_assert_eq!((message.class, message.method, message.id), (class, method, id));
            prop_assert_eq!(message.xor_address(attribute::XOR_MAPPED_ADDRESS), Some(four));
            prop_assert_eq!(message.address(attribute::MAPPED_ADDRESS), Some(six));
            prop_assert_eq!(message.value(attribute::DATA), Some(&text[..]));
        }
    }
}
