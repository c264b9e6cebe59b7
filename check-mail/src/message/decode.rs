//! The transfer encodings of text (RFC 2045 section 6), read leniently: what does not fit is passed over, never an error.

/// How a part is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Not encoded: 7bit, 8bit, binary.
    #[default]
    Identity,
    /// Base64.
    Base64,
    /// Quoted-printable.
    Quoted,
}

impl Encoding {
    /// The encoding a `Content-Transfer-Encoding` field names.
    #[must_use]
    pub fn named(value: &[u8]) -> Encoding {
        match value.trim_ascii() {
            name if name.eq_ignore_ascii_case(b"base64") => Encoding::Base64,
            name if name.eq_ignore_ascii_case(b"quoted-printable") => Encoding::Quoted,
            _ => Encoding::Identity,
        }
    }
}

/// Six bits a letter; anything else, padding too, is passed over.
#[must_use]
pub fn base64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0_u32, 0_u8);
    for &byte in text {
        let Some(six) = six_bits(byte) else { continue };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    out
}

const fn six_bits(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// `=XX` becomes a byte, `=` at the end of a line joins it with the next.
#[must_use]
pub fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'=' {
            out.push(byte);
        } else if let Some(next) = after.strip_prefix(b"\r\n").or_else(|| after.strip_prefix(b"\n")) {
            rest = next;
        } else if let [high, low, next @ ..] = after
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            out.push(high << 4 | low);
            rest = next;
        } else {
            out.push(byte);
        }
    }
    out
}

const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
