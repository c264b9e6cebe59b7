//! STUN and TURN messages (RFC 8489 section 5, RFC 8656 section 18): bytes in, values out, no sockets.
//!
//! The reading is our own: a probe wants to know how an answer is broken, and `stun-types` reads attributes beyond
//! the announced length and stops at a wrong FINGERPRINT, which shows less. The keys and signatures of long-term
//! credentials are its.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use stun_types::attribute::MessageIntegrity;
use stun_types::message::{IntegrityAlgorithm, IntegrityKey, LongTermCredentials};

/// Length of the header before the attributes.
const HEADER: usize = 20;
/// Identifies STUN among other protocols on the same port.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// An attribute's type and length, and the 20 bytes of an HMAC-SHA1.
const SIGNATURE: usize = 24;

/// What pairs a response with its request.
pub type Id = [u8; 12];

/// What a message asks for or answers.
pub mod method {
    /// What is my address? (RFC 8489 section 3)
    pub const BINDING: u16 = 1;
    /// Give me a relay (RFC 8656 section 7).
    pub const ALLOCATE: u16 = 3;
    /// Keep it, or with lifetime 0 take it back.
    pub const REFRESH: u16 = 4;
    /// To a peer through the relay.
    pub const SEND: u16 = 6;
    /// From a peer through the relay.
    pub const DATA: u16 = 7;
    /// Let this peer in.
    pub const CREATE_PERMISSION: u16 = 8;
}

/// The attributes this check reads or writes.
pub mod attribute {
    pub const MAPPED_ADDRESS: u16 = 0x0001;
    pub const USERNAME: u16 = 0x0006;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const LIFETIME: u16 = 0x000d;
    pub const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub const DATA: u16 = 0x0013;
    pub const REALM: u16 = 0x0014;
    pub const NONCE: u16 = 0x0015;
    pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    pub const REQUESTED_TRANSPORT: u16 = 0x0019;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub const ALTERNATE_DOMAIN: u16 = 0x8003;
    pub const SOFTWARE: u16 = 0x8022;
    pub const ALTERNATE_SERVER: u16 = 0x8023;
    pub const OTHER_ADDRESS: u16 = 0x802c;
}

/// The four kinds of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Asks.
    Request,
    /// Tells, and wants no answer.
    Indication,
    /// Answers.
    Success,
    /// Declines.
    Error,
}

/// How bytes fail to be a STUN message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Fewer than 20 bytes, or no magic cookie: another protocol.
    NotStun,
    /// The announced length is not the length there is.
    Length,
    /// An attribute runs past the end of the message.
    Attribute,
}

impl Malformed {
    /// What is wrong, in words.
    pub fn words(self) -> &'static str {
        match self {
            Malformed::NotStun => "the answer is not a STUN message",
            Malformed::Length => "the STUN message announces a length it does not have",
            Malformed::Attribute => "an attribute of the STUN message runs past its end",
        }
    }
}

/// A message that has been read; every attribute is known to lie inside it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its kind.
    pub class: Class,
    /// What it is about.
    pub method: u16,
    /// Which request it belongs to.
    pub id: Id,
    whole: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads one whole message: a datagram, or what [`frame`] cut out of a stream.
    pub fn parse(whole: &'a [u8]) -> Result<Self, Malformed> {
        let (kind, rest) = whole.split_first_chunk::<2>().ok_or(Malformed::NotStun)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(Malformed::NotStun)?;
        let (cookie, rest) = rest.split_first_chunk::<4>().ok_or(Malformed::NotStun)?;
        let (id, attributes) = rest.split_first_chunk::<12>().ok_or(Malformed::NotStun)?;
        let kind = u16::from_be_bytes(*kind);
        if kind & 0xc000 != 0 || *cookie != COOKIE {
            return Err(Malformed::NotStun);
        }
        let length = usize::from(u16::from_be_bytes(*length));
        if length != attributes.len() || length % 4 != 0 {
            return Err(Malformed::Length);
        }
        let message = Message { class: class(kind), method: method_of(kind), id: *id, whole };
        let mut left = attributes;
        while !left.is_empty() {
            left = cut(left).ok_or(Malformed::Attribute)?.2;
        }
        Ok(message)
    }

    /// The attributes in order, with where each begins in the message.
    fn attributes(&self) -> impl Iterator<Item = (usize, u16, &'a [u8])> + use<'a> {
        let whole = self.whole;
        let mut left = whole.get(HEADER..).unwrap_or_default();
        std::iter::from_fn(move || {
            let at = whole.len() - left.len();
            let (kind, value, rest) = cut(left)?;
            left = rest;
            Some((at, kind, value))
        })
    }

    /// The value of the first attribute of that type.
    pub fn value(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes().find(|(_, found, _)| *found == kind).map(|(_, _, value)| value)
    }

    /// An address written plainly (MAPPED-ADDRESS, OTHER-ADDRESS).
    pub fn address(&self, kind: u16) -> Option<SocketAddr> {
        read_address(self.value(kind)?, &[0; 16])
    }

    /// An address hidden from devices that rewrite payloads (XOR-MAPPED-ADDRESS and its like).
    pub fn xor_address(&self, kind: u16) -> Option<SocketAddr> {
        read_address(self.value(kind)?, &mask(&self.id))
    }

    /// The number of an error response, 300 to 699, with its phrase.
    pub fn error(&self) -> Option<(u16, &'a [u8])> {
        let (head, phrase) = self.value(attribute::ERROR_CODE)?.split_first_chunk::<4>()?;
        let (hundreds, rest) = (u16::from(head[2] & 0x07), u16::from(head[3]));
        ((3..=6).contains(&hundreds) && rest < 100).then_some((hundreds * 100 + rest, phrase))
    }

    /// Whether it is signed with that key.
    pub fn signed_by(&self, key: &Key) -> bool {
        let Some((at, _, value)) =
            self.attributes().find(|(_, kind, _)| *kind == attribute::MESSAGE_INTEGRITY)
        else {
            return false;
        };
        let Ok(signature) = <&[u8; 20]>::try_from(value) else { return false };
        let Some(length) = u16::try_from(at + SIGNATURE - HEADER).ok() else { return false };
        let parts = [&self.whole[..2], &length.to_be_bytes(), &self.whole[4..at]];
        MessageIntegrity::verify(&parts, &key.0, signature)
    }
}

/// The first attribute of `bytes`: type, value, and what follows its padding.
fn cut(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (kind, rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    let value = rest.get(..length)?;
    Some((u16::from_be_bytes(*kind), value, rest.get(length.next_multiple_of(4)..)?))
}

/// The two bits of the class are between those of the method (RFC 8489 section 5).
fn class(kind: u16) -> Class {
    match kind & 0x0110 {
        0x0000 => Class::Request,
        0x0010 => Class::Indication,
        0x0100 => Class::Success,
        _ => Class::Error,
    }
}

fn method_of(kind: u16) -> u16 {
    (kind & 0x000f) | ((kind & 0x00e0) >> 1) | ((kind & 0x3e00) >> 2)
}

fn mask(id: &Id) -> [u8; 16] {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&COOKIE);
    mask[4..].copy_from_slice(id);
    mask
}

fn read_address(value: &[u8], mask: &[u8; 16]) -> Option<SocketAddr> {
    let (head, address) = value.split_first_chunk::<4>()?;
    let port = u16::from_be_bytes([head[2] ^ mask[0], head[3] ^ mask[1]]);
    let ip = match head[1] {
        1 => IpAddr::V4(Ipv4Addr::from(unmask(<[u8; 4]>::try_from(address).ok()?, mask))),
        2 => IpAddr::V6(Ipv6Addr::from(unmask(<[u8; 16]>::try_from(address).ok()?, mask))),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

fn unmask<const N: usize>(mut bytes: [u8; N], mask: &[u8; 16]) -> [u8; N] {
    bytes.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    bytes
}

/// How long the message is that begins a stream's `bytes`; `None` while its header is not whole.
/// Data on channels (RFC 8656 section 12.4) is never asked for, so what is not STUN is an error.
pub fn frame(bytes: &[u8]) -> Option<Result<usize, Malformed>> {
    let head = bytes.first_chunk::<8>()?;
    if head[0] & 0xc0 != 0 || head[4..] != COOKIE {
        return Some(Err(Malformed::NotStun));
    }
    Some(Ok(HEADER + usize::from(u16::from_be_bytes([head[2], head[3]]))))
}

/// The key of long-term credentials (RFC 8489 section 9.2.2).
#[derive(Clone, Debug)]
pub struct Key(IntegrityKey);

impl Key {
    /// MD5 over user, realm and password: what every deployed server understands.
    pub fn new(user: &str, realm: &str, password: &str) -> Self {
        let credentials = LongTermCredentials::new(user.to_owned(), password.to_owned());
        Key(credentials.to_key(realm.to_owned()).make_key(IntegrityAlgorithm::Sha1))
    }
}

/// A message on its way to bytes.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    id: Id,
}

impl Writer {
    /// A message without attributes.
    pub fn new(class: Class, method: u16, id: Id) -> Self {
        let bits = match class {
            Class::Request => 0x0000,
            Class::Indication => 0x0010,
            Class::Success => 0x0100,
            Class::Error => 0x0110,
        };
        let kind = bits | (method & 0x000f) | ((method & 0x0070) << 1) | ((method & 0x0f80) << 2);
        let mut bytes = Vec::with_capacity(128);
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(COOKIE);
        bytes.extend(id);
        Writer { bytes, id }
    }

    /// Adds an attribute; what is longer than a message can hold is cut.
    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        let value = &value[..value.len().min(0x4000)];
        self.bytes.extend(kind.to_be_bytes());
        self.bytes.extend(u16::try_from(value.len()).unwrap_or_default().to_be_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    /// Adds an address, masked.
    pub fn xor_address(self, kind: u16, address: SocketAddr) -> Self {
        let mask = mask(&self.id);
        self.address_under(kind, address, &mask)
    }

    /// Adds an address, plain.
    #[cfg(test)]
    pub fn address(self, kind: u16, address: SocketAddr) -> Self {
        self.address_under(kind, address, &[0; 16])
    }

    fn address_under(self, kind: u16, address: SocketAddr, mask: &[u8; 16]) -> Self {
        let port = unmask(address.port().to_be_bytes(), mask);
        let mut value = vec![0, 1, port[0], port[1]];
        match address.ip() {
            IpAddr::V4(ip) => value.extend(unmask(ip.octets(), mask)),
            IpAddr::V6(ip) => {
                value[1] = 2;
                value.extend(unmask(ip.octets(), mask));
            }
        }
        self.attribute(kind, &value)
    }

    /// Adds MESSAGE-INTEGRITY over all that was added before.
    pub fn signed(mut self, key: &Key) -> Self {
        self.measure(SIGNATURE);
        // The key is of our own making, so computing cannot fail; without a signature the server says so.
        match MessageIntegrity::compute(&[&self.bytes], &key.0) {
            Ok(signature) => self.attribute(attribute::MESSAGE_INTEGRITY, &signature),
            Err(_) => self,
        }
    }

    fn measure(&mut self, more: usize) {
        let length = u16::try_from(self.bytes.len() - HEADER + more).unwrap_or(u16::MAX);
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
    }

    /// The bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.measure(0);
        self.bytes
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "rfc5769_tests.rs"]
mod rfc5769;
