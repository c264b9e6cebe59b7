//! A proxy's answer to CONNECT, and whether its page is a known one.

use netcheck_net::proxy::{Head, announces_page, schemes};
use netcheck_net::signature::match_page;

fn is_harmless(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// Reads it as an answer with a page behind it.
pub fn decode(bytes: &[u8]) {
    match Head::read(bytes) {
        Head::Whole(mut answer, end) => {
            assert!(end <= bytes.len() && answer.headers.len() <= 100);
            let short = |value: &str| is_harmless(value) && value.len() <= 12_000;
            assert!(answer.headers.iter().all(|(_, value)| short(value)));
            let schemes = schemes(&answer);
            assert!(schemes.len() <= 8 && schemes.iter().all(|scheme| is_harmless(scheme)));
            let _ = announces_page(&answer);
            answer.body = bytes[end..].to_vec();
            if let Some(page) = match_page(&answer) {
                assert!(is_harmless(&page.mark) && !page.vendor.is_empty());
            }
        }
        Head::Foreign(line) => assert!(is_harmless(&line) && line.len() <= 1000),
        Head::Partial => assert!(bytes.len() < 16 << 10),
        Head::Endless => {}
    }
}
