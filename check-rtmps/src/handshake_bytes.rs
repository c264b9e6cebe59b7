//! The simple handshake (RTMP 1.0 section 5.2) as a judgement of bytes: what S0, S1 and S2 are worth.
//!
//! C0 is the version 3; C1 is a time (4 bytes), zero (4 bytes: anything else asks for the digest handshake) and
//! 1,528 random bytes. A server answers with S0 = 3, its own S1, and S2, which repeats C1 from byte 8 on.

/// The length of C0 and C1, in bytes.
pub const HELLO: usize = 1 + 1536;
/// The length of S0, S1 and S2.
pub const ANSWER: usize = 1 + 2 * 1536;
/// The version of RTMP that is spoken, in C0 and S0.
pub const VERSION: u8 = 3;
/// How many bytes of another protocol are shown, and how many are read to recognise a page.
pub const GLANCE: usize = 64;
/// See [`GLANCE`].
pub const PAGE: usize = 2048;

/// What a first byte other than 3 belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignProtocol {
    /// S0 of another version: 0-2 are deprecated, 4-31 not defined for plain RTMP (6, 8 and 9 are encrypted kinds).
    Version(u8),
    /// An HTTP answer.
    Http,
    /// An HTTP/2 settings frame.
    Http2,
    /// A TLS alert or another TLS record.
    Tls,
    /// Other text: a banner.
    Text,
    /// 32 and above are forbidden so that text can be recognised; this is neither.
    Bytes,
}

/// Names the peer that answered C0 and C1 with something that does not begin with 3.
pub fn foreign_protocol(bytes: &[u8]) -> ForeignProtocol {
    let text = |bytes: &[u8]| bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'));
    match bytes {
        [b'H', b'T', b'T', b'P', ..] => ForeignProtocol::Http,
        [0x14..=0x17, 0x03, ..] => ForeignProtocol::Tls,
        [0, 0, _, 4, 0, 0, 0, 0, 0, ..] => ForeignProtocol::Http2,
        [b'<', ..] if text(bytes) => ForeignProtocol::Http,
        [version @ 0..=31, ..] if !matches!(version, b'\t' | b'\r' | b'\n') || !text(bytes) => {
            ForeignProtocol::Version(*version)
        }
        _ if !bytes.is_empty() && text(bytes) => ForeignProtocol::Text,
        _ => ForeignProtocol::Bytes,
    }
}

impl ForeignProtocol {
    /// What it speaks, in one word.
    pub fn word(self) -> &'static str {
        match self {
            ForeignProtocol::Version(_) => "rtmp",
            ForeignProtocol::Http | ForeignProtocol::Http2 => "http",
            ForeignProtocol::Tls => "tls",
            ForeignProtocol::Text => "text",
            ForeignProtocol::Bytes => "bytes",
        }
    }

    /// What the peer sent, as the subject of a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            ForeignProtocol::Version(_) => "another version of RTMP",
            ForeignProtocol::Http => "an HTTP answer",
            ForeignProtocol::Http2 => "an HTTP/2 answer",
            ForeignProtocol::Tls => "a TLS record",
            ForeignProtocol::Text => "text",
            ForeignProtocol::Bytes => "bytes of another protocol",
        }
    }
}

/// What S1 and S2 say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHandshake {
    /// The server's clock, in milliseconds since an epoch of its own.
    pub time: u32,
    /// Bytes 4-7 of S1: zero in the simple handshake, a version in the digest handshake.
    pub version: [u8; 4],
    /// Whether S2 repeats C1 from byte 8 on.
    pub echo: bool,
}

/// Reads S0, S1 and S2 against the C0 and C1 that were sent; none when either is not whole or S0 is not 3.
pub fn answer(hello: &[u8], answer: &[u8]) -> Option<ServerHandshake> {
    if hello.len() != HELLO || answer.len() != ANSWER {
        return None;
    }
    let (s0, rest) = answer.split_first()?;
    let (s1, s2) = rest.split_at_checked(1536)?;
    let (time, version) = (s1.first_chunk()?, s1.get(4..)?.first_chunk()?);
    let echo = s2.get(8..) == hello.get(9..);
    (*s0 == VERSION).then(|| ServerHandshake { time: u32::from_be_bytes(*time), version: *version, echo })
}

/// C2 for the S0 and S1 that were read: it repeats S1 (section 5.2.4). None when they are not whole, or S0 is not 3.
pub fn c2(answer: &[u8]) -> Option<&[u8]> {
    let (s0, rest) = answer.split_first()?;
    rest.get(..1536).filter(|_| *s0 == VERSION)
}

/// Whether all that came back is what was sent: the peer is an echo service.
pub fn echoes(hello: &[u8], got: &[u8]) -> bool {
    got.len() == HELLO && got == hello
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hello() -> Vec<u8> {
        let mut hello = vec![3, 0, 0, 0, 9, 0, 0, 0, 0];
        hello.extend((0..1528u32).map(|n| (n * 7) as u8));
        hello
    }

    fn reply(hello: &[u8]) -> Vec<u8> {
        let mut reply = vec![3, 0, 0, 1, 0, 13, 14, 10, 13];
        reply.extend([0x55; 1528]);
        reply.extend(&hello[1..]);
        reply
    }

    #[test]
    fn a_right_answer_is_read() {
        let hello = hello();
        let read = answer(&hello, &reply(&hello));
        assert_eq!(read, Some(ServerHandshake { time: 256, version: [13, 14, 10, 13], echo: true }));
    }

    #[test]
    fn c2_repeats_s1() {
        let reply = reply(&hello());
        assert_eq!(c2(&reply[..1537]), Some(&reply[1..1537]));
        assert_eq!(c2(&reply[..1536]), None);
        assert_eq!(c2(&[4; 1537]), None);
    }

    #[test]
    fn the_time_fields_of_s2_do_not_count() {
        let hello = hello();
        let mut reply = reply(&hello);
        reply[1537..1545].fill(0xee);
        assert!(answer(&hello, &reply).unwrap().echo);
        reply[1545] ^= 1;
        assert!(!answer(&hello, &reply).unwrap().echo);
    }

    #[test]
    fn foreign_protocols_are_named() {
        let named = |bytes: &[u8]| foreign_protocol(bytes);
        assert_eq!(named(b"HTTP/1.1 400 Bad Request\r\n"), ForeignProtocol::Http);
        assert_eq!(named(b"<html><title>Blocked</title>"), ForeignProtocol::Http);
        assert_eq!(named(&[0, 0, 0x12, 4, 0, 0, 0, 0, 0, 0, 3]), ForeignProtocol::Http2);
        assert_eq!(named(&[0x15, 3, 1, 0, 2, 2, 40]), ForeignProtocol::Tls);
        assert_eq!(named(b"SSH-2.0-OpenSSH_9.2\r\n"), ForeignProtocol::Text);
        assert_eq!(named(&[6, 1, 2]), ForeignProtocol::Version(6));
        assert_eq!(named(&[0]), ForeignProtocol::Version(0));
        assert_eq!(named(&[0xff, 0xfb]), ForeignProtocol::Bytes);
        assert_eq!(named(b"\r\nlogin: "), ForeignProtocol::Text);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(hello in prop::collection::vec(any::<u8>(), 1530..1540), bytes in prop::collection::vec(any::<u8>(), 3070..3076), cut in 0usize..3076) {
            let bytes = &bytes[..cut.min(bytes.len())];
            foreign_protocol(bytes);
            echoes(&hello, bytes);
            if let Some(answer) = answer(&hello, bytes) {
                prop_assert_eq!(answer.echo, bytes[1545..] == hello[9..]);
            }
        }

        #[test]
        fn only_an_echo_of_the_random_part_is_one(byte in 1545usize..ANSWER, bit in 0u8..8) {
            let hello = hello();
            let mut reply = reply(&hello);
            reply[byte] ^= 1 << bit;
            prop_assert!(!answer(&hello, &reply).unwrap().echo);
        }
    }
}
