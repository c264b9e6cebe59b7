//! STUN answers made by hand, independently of the codec under test.

use std::net::{IpAddr, SocketAddr};

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// The transaction id of a request.
pub fn id(request: &[u8]) -> &[u8] {
    &request[8..20]
}

/// The method of a request or indication.
pub fn method(message: &[u8]) -> u16 {
    u16::from_be_bytes([message[0], message[1]]) & 0x000f
}

/// A message of that type with these attributes.
pub fn message(kind: u16, id: &[u8], attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, value) in attributes {
        body.extend(kind.to_be_bytes());
        body.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    let mut bytes = kind.to_be_bytes().to_vec();
    bytes.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    bytes.extend(COOKIE);
    bytes.extend(id);
    bytes.extend(body);
    bytes
}

/// The value of XOR-MAPPED-ADDRESS and its like (IPv4).
pub fn xor(address: SocketAddr) -> Vec<u8> {
    let IpAddr::V4(ip) = address.ip() else { panic!("IPv4 in these tests") };
    let mut value = vec![0, 1];
    value.extend((address.port() ^ 0x2112).to_be_bytes());
    value.extend(ip.octets().iter().zip(COOKIE).map(|(byte, mask)| byte ^ mask));
    value
}

/// The value of MAPPED-ADDRESS (IPv4).
pub fn plain(address: SocketAddr) -> Vec<u8> {
    let IpAddr::V4(ip) = address.ip() else { panic!("IPv4 in these tests") };
    let mut value = vec![0, 1];
    value.extend(address.port().to_be_bytes());
    value.extend(ip.octets());
    value
}

/// A Binding success that says the client is at `mapped`.
pub fn bound(request: &[u8], mapped: SocketAddr) -> Vec<u8> {
    message(0x0101, id(request), &[(0x0020, xor(mapped))])
}

/// An error response to any request.
pub fn error(request: &[u8], number: u16, phrase: &str, more: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut value = vec![0, 0, u8::try_from(number / 100).unwrap(), u8::try_from(number % 100).unwrap()];
    value.extend(phrase.as_bytes());
    let mut attributes = vec![(0x0009, value)];
    attributes.extend_from_slice(more);
    message(0x0110 | method(request), id(request), &attributes)
}

/// 401 with realm and nonce, as every TURN server answers strangers.
pub fn challenge(request: &[u8]) -> Vec<u8> {
    let more = [(0x0014, b"lab.test".to_vec()), (0x0015, b"nonce".to_vec()), (0x8022, b"Lab TURN".to_vec())];
    error(request, 401, "Unauthorized", &more)
}
