//! A script as it was served: its bytes, read with each charset. It is not run: the engine has bounds of its own.

use netcheck_pac::decode::{charset, decode as text, is_page};

/// Reads it.
pub fn decode(bytes: &[u8]) {
    for named in [None, Some("utf-8"), Some("utf-16"), Some("utf-16le"), Some("x")] {
        let text = text(bytes, named);
        assert!(text.len() <= bytes.len() * 3);
        let _ = is_page(&text);
    }
    let _ = charset(&String::from_utf8_lossy(bytes));
}
