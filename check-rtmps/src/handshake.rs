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
/// How many bytes of a stranger's answer are shown, and how many are read to recognise a page.
pub const GLANCE: usize = 64;
/// See [`GLANCE`].
pub const PAGE: usize = 2048;

/// What a first byte other than 3 belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
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
    /// 32 and above are forbidden so that text can be told apart; this is neither.
    Bytes,
}

/// Names the peer that answered C0 and C1 with something that does not begin with 3.
pub fn stranger(bytes: &[u8]) -> Stranger {
    let text = |bytes: &[u8]| bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'));
    match bytes {
        [b'H', b'T', b'T', b'P', ..] => Stranger::Http,
        [0x14..=0x17, 0x03, ..] => Stranger::Tls,
        [0, 0, _, 4, 0, 0, 0, 0, 0, ..] => Stranger::Http2,
        [b'<', ..] if text(bytes) => Stranger::Http,
        [version @ 0..=31, ..] if !matches!(version, b'\t' | b'\r' | b'\n') || !text(bytes) => {
            Stranger::Version(*version)
        }
        _ if !bytes.is_empty() && text(bytes) => Stranger::Text,
        _ => Stranger::Bytes,
    }
}

impl Stranger {
    /// What it speaks, in one word.
    pub fn word(self) -> &'static str {
        match self {
            Stranger::Version(_) => "rtmp",
            Stranger::Http | Stranger::Http2 => "http",
            Stranger::Tls => "tls",
            Stranger::Text => "text",
            Stranger::Bytes => "bytes",
        }
    }

    /// What the peer sent, as the subject of a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Stranger::Version(_) => "another version of RTMP",
            Stranger::Http => "an HTTP answer",
            Stranger::Http2 => "an HTTP/2 answer",
            Stranger::Tls => "a TLS record",
            Stranger::Text => "text",
            Stranger::Bytes => "bytes of another protocol",
        }
    }
}

/// What S1 and S2 say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The server's clock, in milliseconds since an epoch of its own.
    pub time: u32,
    /// Bytes 4-7 of S1: zero in the simple handshake, a version in the digest handshake.
    pub version: [u8; 4],
    /// Whether S2 repeats C1 from byte 8 on.
    pub echo: bool,
}

/// Reads S0, S1 and S2 against the C0 and C1 that were sent; none when either is not whole or S0 is not 3.
pub fn answer(hello: &[u8], answer: &[u8]) -> Option<Answer> {
    if hello.len() != HELLO || answer.len() != ANSWER {
        return None;
    }
    let (s0, rest) = answer.split_first()?;
    let (s1, s2) = rest.split_at_checked(1536)?;
    let (time, version) = (s1.first_chunk()?, s1.get(4..)?.first_chunk()?);
    let echo = s2.get(8..) == hello.get(9..);
    (*s0 == VERSION).then(|| Answer { time: u32::from_be_bytes(*time), version: *version, echo })
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
        assert_eq!(read, Some(Answer { time: 256, version: [13, 14, 10, 13], echo: true }));
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
    fn strangers_are_named() {
        let named = |bytes: &[u8]| stranger(bytes);
        assert_eq!(named(b"HTTP/1.1 400 Bad Request\r\n"), Stranger::Http);
        assert_eq!(named(b"<html><title>Blocked</title>"), Stranger::Http);
        assert_eq!(named(&[0, 0, 0x12, 4, 0, 0, 0, 0, 0, 0, 3]), Stranger::Http2);
        assert_eq!(named(&[0x15, 3, 1, 0, 2, 2, 40]), Stranger::Tls);
        assert_eq!(named(b"SSH-2.0-OpenSSH_9.2\r\n"), Stranger::Text);
        assert_eq!(named(&[6, 1, 2]), Stranger::Version(6));
        assert_eq!(named(&[0]), Stranger::Version(0));
        assert_eq!(named(&[0xff, 0xfb]), Stranger::Bytes);
        assert_eq!(named(b"\r\nlogin: "), Stranger::Text);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(hello in prop::collection::vec(any::<u8>(), 1530..1540), bytes in prop::collection::vec(any::<u8>(), 3070..3076), cut in 0usize..3076) {
            let bytes = &bytes[..cut.min(bytes.len())];
            stranger(bytes);
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
