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
    fn long_text_is_cut_by_characters() {
        assert_eq!(line("äöüß", 2), "äö…");
        assert_eq!(bytes(b"\xff\xfeabc", 3), "\u{fffd}\u{fffd}a…");
    }
}

#[cfg(test)]
#[path = "escape_tests.rs"]
mod properties;
