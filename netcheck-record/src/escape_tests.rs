//! Whatever comes in, what comes out is short and harmless.

use proptest::prelude::*;

use super::{bytes, line};

/// Nothing a terminal acts upon, and nothing that turns text around.
pub fn is_harmless(text: &str) -> bool {
    !text.chars().any(|c| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    })
}

/// Each character takes at most ten (`\u{10ffff}`), and one says that the rest was cut.
fn is_bounded(text: &str, limit: usize) -> bool {
    text.chars().count() <= limit * 10 + 1
}

proptest! {
    #[test]
    fn any_text_becomes_a_short_harmless_line(text in any::<String>(), limit in 0usize..300) {
        let out = line(&text, limit);
        prop_assert!(is_harmless(&out) && is_bounded(&out, limit), "{out:?}");
        prop_assert_eq!(line(&out, usize::MAX), out);
    }

    #[test]
    fn any_bytes_become_a_short_harmless_line(raw in any::<Vec<u8>>(), limit in 0usize..300) {
        let out = bytes(&raw, limit);
        prop_assert!(is_harmless(&out) && is_bounded(&out, limit), "{out:?}");
    }

    #[test]
    fn text_that_is_harmless_stays_as_it_is(text in "[a-zA-Z0-9 äöü.:/-]{0,80}") {
        prop_assert_eq!(line(&text, 80), text.clone());
        prop_assert_eq!(bytes(text.as_bytes(), 80), text);
    }
}

#[test]
fn what_is_cut_is_never_looked_at() {
    let raw = vec![b'x'; 10 << 20];
    assert_eq!(bytes(&raw, 3), "xxx…");
}
