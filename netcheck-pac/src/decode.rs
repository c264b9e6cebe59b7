//! A script's bytes to text: byte order mark, the charset it was served with, or Latin-1.

/// The largest script that is read: Chromium's own bound.
pub const LARGEST: usize = 1 << 20;

/// Decodes a script; `charset` is what `Content-Type` says, if anything.
#[must_use]
pub fn decode(raw: &[u8], charset: Option<&str>) -> String {
    if let Some(rest) = raw.strip_prefix(b"\xef\xbb\xbf") {
        return String::from_utf8_lossy(rest).into_owned();
    }
    if let Some(rest) = raw.strip_prefix(b"\xfe\xff") {
        return utf16(rest, u16::from_be_bytes);
    }
    if let Some(rest) = raw.strip_prefix(b"\xff\xfe") {
        return utf16(rest, u16::from_le_bytes);
    }
    match charset.map(|name| name.trim().trim_matches('"').to_ascii_lowercase()).as_deref() {
        Some("utf-8" | "utf8") => String::from_utf8_lossy(raw).into_owned(),
        Some("utf-16" | "utf-16be") => utf16(raw, u16::from_be_bytes),
        Some("utf-16le") => utf16(raw, u16::from_le_bytes),
        // Without a charset a script is Latin-1, where each byte is the character of its number.
        _ => raw.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// The charset of a `Content-Type` field (RFC 9110 section 8.3.2).
#[must_use]
pub fn charset(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1);
    let named = |parameter: &&str| {
        parameter.trim().get(..8).is_some_and(|name| name.eq_ignore_ascii_case("charset="))
    };
    parameters.into_iter().find(named).and_then(|parameter| parameter.trim().get(8..))
}

/// Whether the text is a page rather than a script.
#[must_use]
pub fn is_page(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

fn utf16(raw: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = raw.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_script_is_read() {
        let wide = |text: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(unit).collect()
        };
        let big = [b"\xfe\xff".to_vec(), wide("é", u16::to_be_bytes)].concat();
        let little = [b"\xff\xfe".to_vec(), wide("é", u16::to_le_bytes)].concat();
        for (raw, charset) in [
            (b"\xef\xbb\xbf\xc3\xa9".to_vec(), None),
            (big, None),
            (little, None),
            (b"\xe9".to_vec(), None),
            (b"\xc3\xa9".to_vec(), Some("UTF-8")),
            (wide("é", u16::to_le_bytes), Some("utf-16le")),
        ] {
            assert_eq!(decode(&raw, charset), "é", "{raw:?}");
        }
        assert_eq!(charset("text/html; a=b; Charset=utf-8"), Some("utf-8"));
        assert_eq!(charset("text/html"), None);
    }
}
