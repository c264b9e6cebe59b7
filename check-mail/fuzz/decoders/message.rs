//! Any bytes as a message: no panic, and nothing in the result that grows without bound.

use crate::message::Analysis;

/// Reads it as a message.
pub fn decode(bytes: &[u8]) {
    if let Some(analysis) = Analysis::of(bytes) {
        assert!(analysis.route.steps.len() <= 30);
        assert!(analysis.route.total.is_none_or(|total| total >= 0));
    }
}
