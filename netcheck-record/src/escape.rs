//! Text from the network, made harmless for a terminal and bounded.

/// One line without control, bidirectional or invisible characters, at most `limit` characters long.
#[must_use]
pub fn line(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit));
    for (count, c) in text.chars().enumerate() {
        if count == limit {
            out.push('…');
            break;
        }
        if harmless(c) { out.push(c) } else { out.extend(c.escape_default()) }
    }
    out
}

/// The same from bytes that may not be UTF-8.
#[must_use]
pub fn bytes(raw: &[u8], limit: usize) -> String {
    // Four bytes make at most one character more than needed; the rest is never looked at.
    let end = raw.len().min(limit.saturating_mul(4));
    line(&String::from_utf8_lossy(&raw[..end]), limit)
}

/// Rewrites JSON text so that nothing in it acts on whoever shows it: what is not harmless becomes `\\uXXXX`, which
/// means the same to whoever reads it. Outside of strings JSON holds no such character.
pub fn json(text: &mut Vec<u8>, from: usize) {
    let acts = |c: char| !harmless(c) && (c == '\x7f' || !c.is_ascii());
    let Ok(written) = std::str::from_utf8(text.get(from..).unwrap_or_default()) else { return };
    if !written.contains(acts) {
        return;
    }
    let mut out = String::with_capacity(written.len() + 64);
    for c in written.chars() {
        if acts(c) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    text.truncate(from);
    text.extend(out.into_bytes());
}

fn harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_bidirectional_marks_lose_their_power() {
        assert_eq!(line("a\x1b[31mb\n\u{202e}c", 80), "a\\u{1b}[31mb\\n\\u{202e}c");
    }

    #[test]
    fn json_means_the_same_and_holds_nothing_that_acts() {
        let said = "a\x7f\u{9b}2J\u{202e}b\u{2028}\u{feff}ö\u{1f600}";
        let mut text = b"before\xff".to_vec();
        let from = text.len();
        text.extend(serde_json::to_vec(said).unwrap());
        json(&mut text, from);
        assert_eq!(
            String::from_utf8_lossy(&text[from..]),
            "\"a\\u007f\\u009b2J\\u202eb\\u2028\\ufeffö\u{1f600}\""
        );
        assert_eq!(serde_json::from_slice::<String>(&text[from..]).unwrap(), said);
    }

    #[test]
    fn long_text_is_cut_by_characters() {
        assert_eq!(line("äöüß", 2), "äö…");
        assert_eq!(bytes(b"\xff\xfeabc", 3), "\u{fffd}\u{fffd}a…");
    }
}

#[cfg(test)]
#[path = "escape_tests.rs"]
mod properties;
