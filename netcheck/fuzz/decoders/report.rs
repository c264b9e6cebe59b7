//! A file of records, as a form of report, as what changed, and as a baseline: nothing in it moves a cursor or becomes
//! markup. One way of writing an input is enough: the fuzzer meets all of them with its next inputs.

use crate::fuzz::{WAYS, report};

/// Reads it and writes it in the way that its bytes choose.
pub fn decode(bytes: &[u8]) {
    let sum: usize = bytes.iter().map(|byte| usize::from(*byte)).sum();
    written(bytes, sum % WAYS);
}

fn written(bytes: &[u8], way: usize) {
    let Some(text) = report(bytes, way) else { return };
    let harm = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    assert_eq!(harm, None, "{text:?}");
    assert!(!text.contains(['\u{202e}', '\u{2066}']), "{text:?}");
}
