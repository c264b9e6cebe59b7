//! RFC 9001 Appendix A: the keys and packets of the sample exchange, and our own first flight opened in the same way.

use rustls::Side;
use rustls::quic::{DirectionalKeys, Keys, Version};

use super::tests::first_flight;
use crate::versions;

/// The server's Initial of section A.3, protected.
const SERVER_INITIAL: &str = "
    cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a
    5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3
    dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84
    022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4
    2158407dd074ee";
/// What is inside: ACK and CRYPTO frames.
const SERVER_PAYLOAD: &str = "
    02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf739
    88cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c94
    0d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00
    020304";
/// The Retry of section A.4, and the packet with a short header of section A.5.
const RETRY: &str = "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba";
const SHORT: &str = "4cfe4189655e5cd55c41f69080575d7999c25a5bfb";
/// The client's Destination Connection ID of the sample exchange.
const CID: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

/// The Initial keys of one side (section 5.2).
fn keys(cid: &[u8], side: Side) -> Keys {
    let rustls::SupportedCipherSuite::Tls13(suite) =
        rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256
    else {
        panic!("a suite of TLS 1.3")
    };
    Keys::initial(Version::V1, suite, suite.quic.expect("for QUIC"), cid, side)
}

/// A number of variable length (RFC 9000 section 16) at the front, and what follows it.
fn varint(bytes: &[u8]) -> (usize, &[u8]) {
    let length = 1usize << (bytes[0] >> 6);
    let value = bytes[1..length]
        .iter()
        .fold(usize::from(bytes[0] & 0x3f), |value, byte| value << 8 | usize::from(*byte));
    (value, &bytes[length..])
}

fn connection_id(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes[1..].split_at(usize::from(bytes[0]))
}

/// Number and payload of an Initial packet.
fn opened(packet: &[u8], keys: &DirectionalKeys) -> (u64, Vec<u8>) {
    let (_, rest) = connection_id(&packet[5..]);
    let (_, rest) = connection_id(rest);
    let (token, rest) = varint(rest);
    let (length, rest) = varint(&rest[token..]);
    let at = packet.len() - rest.len();
    let mut packet = packet[..at + length].to_vec();
    let sample = packet[at + 4..at + 20].to_vec();
    let (head, body) = packet.split_at_mut(at);
    keys.header.decrypt_in_place(&sample, &mut head[0], &mut body[..4]).expect("a header");
    let number_length = usize::from(head[0] & 3) + 1;
    let number = body[..number_length].iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let (header, payload) = packet.split_at_mut(at + number_length);
    let payload = keys.packet.decrypt_in_place(number, header, payload).expect("a payload");
    (number, payload.to_vec())
}

#[test]
fn the_servers_initial_of_section_a_3_opens_with_the_keys_of_section_a_1() {
    let packet = hex(SERVER_INITIAL);
    assert_eq!(opened(&packet, &keys(&CID, Side::Client).remote), (1, hex(SERVER_PAYLOAD)));
    assert!(versions::is_handshake(&packet));
}

#[test]
fn the_retry_of_section_a_4_and_the_short_header_of_section_a_5_are_no_parts_of_a_handshake() {
    assert!(!versions::is_handshake(&hex(RETRY)) && !versions::is_handshake(&hex(SHORT)));
}

#[test]
fn our_first_flight_opens_as_any_server_opens_it_and_names_the_host() {
    let crypto: Vec<u8> = first_flight()
        .iter()
        .flat_map(|packet| {
            let (cid, _) = connection_id(&packet[5..]);
            opened(packet, &keys(cid, Side::Server).remote).1
        })
        .collect();
    assert_eq!(crypto[0], 0x06, "a CRYPTO frame");
    assert!(crypto.windows(6).any(|name| name == b"a.test"));
}
