//! Any bytes as a message: no panic, and nothing in the result that grows without bound.
#![no_main]
#![expect(dead_code, reason = "the target takes more than it calls")]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/message/mod.rs"]
mod message;

fuzz_target!(|raw: &[u8]| {
    if let Some(analysis) = message::Analysis::of(raw) {
        assert!(analysis.route.steps.len() <= 30);
        assert!(analysis.route.total.is_none_or(|total| total >= 0));
    }
});
