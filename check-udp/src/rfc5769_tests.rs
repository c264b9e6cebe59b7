//! The test vectors of RFC 5769: bytes in, values out, and the same bytes again from our own writer.

use super::*;

/// The transaction id of sections 2.1 to 2.3.
const ID: Id = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];
const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

/// The key of short-term credentials is the password itself (RFC 8489 section 9.1.1).
fn short_term() -> Key {
    let credentials = stun_types::message::ShortTermCredentials::new(PASSWORD.to_owned());
    Key(credentials.make_key())
}

#[test]
fn section_2_1_a_request_with_short_term_credentials() {
    let request = bytes(
        "00010058 2112a442 b7e7a701bc34d686fa87dfae
         80220010 5354554e207465737420636c69656e74 00240004 6e0001ff 80290008 932ff9b151263b36
         00060009 6576746a3a68367659202020 00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
         80280004 e57a3bcf",
    );
    let message = Message::parse(&request).expect("a message");
    assert_eq!((message.class, message.method, message.id), (Class::Request, method::BINDING, ID));
    assert_eq!(message.value(attribute::SOFTWARE), Some(&b"STUN test client"[..]));
    assert_eq!(message.value(attribute::USERNAME), Some(&b"evtj:h6vY"[..]));
    assert!(message.signed_by(&short_term()));
    let mut forged = request.clone();
    forged[40] ^= 1;
    assert!(!Message::parse(&forged).expect("a message").signed_by(&short_term()));
}

#[test]
fn section_2_2_an_ipv4_response() {
    let response = bytes(
        "0101003c 2112a442 b7e7a701bc34d686fa87dfae
         8022000b 7465737420766563746f7220 00200008 0001a147e112a643
         00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96",
    );
    let message = Message::parse(&response).expect("a message");
    assert_eq!((message.class, message.id), (Class::Success, ID));
    let mapped = message.xor_address(attribute::XOR_MAPPED_ADDRESS);
    assert_eq!(mapped, Some("192.0.2.1:32853".parse().expect("an address")));
    assert_eq!(message.value(attribute::SOFTWARE), Some(&b"test vector"[..]));
    assert!(message.signed_by(&short_term()));
}

#[test]
fn section_2_3_an_ipv6_response() {
    let response = bytes(
        "01010048 2112a442 b7e7a701bc34d686fa87dfae
         8022000b 7465737420766563746f7220 00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
         00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c",
    );
    let message = Message::parse(&response).expect("a message");
    let mapped: SocketAddr = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().expect("an address");
    assert_eq!(message.xor_address(attribute::XOR_MAPPED_ADDRESS), Some(mapped));
    assert!(message.signed_by(&short_term()));
    // The writer masks as the vector does.
    let ours = Writer::new(Class::Success, method::BINDING, ID)
        .xor_address(attribute::XOR_MAPPED_ADDRESS, mapped)
        .finish();
    assert_eq!(ours[20..], response[36..60]);
}

#[test]
fn section_2_4_a_request_with_long_term_credentials_is_written_as_it_is_read() {
    let request = bytes(
        "00010060 2112a442 78ad3433c6ad72c029da412e
         00060012 e3839ee38388e383aae38383e382afe382b90000
         0015001c 662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b 6578616d706c652e6f726700
         00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666",
    );
    let message = Message::parse(&request).expect("a message");
    let user = "\u{30DE}\u{30C8}\u{30EA}\u{30C3}\u{30AF}\u{30B9}";
    let key = Key::new(user, "example.org", "TheMatrIX");
    assert!(message.signed_by(&key));
    let ours = Writer::new(Class::Request, method::BINDING, message.id)
        .attribute(attribute::USERNAME, user.as_bytes())
        .attribute(attribute::NONCE, b"f//499k954d6OL34oL9FSTvy64sA")
        .attribute(attribute::REALM, b"example.org")
        .signed(&key);
    assert_eq!(ours.finish(), request);
}
