//! A file of records, as every form of report, as what changed, and as a baseline: nothing in it moves a cursor or
//! becomes markup.

/// Reads it and writes every report.
pub fn decode(bytes: &[u8]) {
    for text in crate::fuzz::reports(bytes) {
        let harm = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        assert_eq!(harm, None, "{text:?}");
        assert!(!text.contains(['\u{202e}', '\u{2066}']), "{text:?}");
    }
}
