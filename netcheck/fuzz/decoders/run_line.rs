//! A line of a run: the name that it gives to its records is short and harmless.

use crate::fuzz::run_line;

/// Reads it.
pub fn decode(bytes: &[u8]) {
    let Some(id) = run_line(bytes) else { return };
    // A character that is not harmless becomes at most ten.
    assert!(id.chars().count() <= 1001 && !id.chars().any(char::is_control), "{id:?}");
}
