//! Any bytes as a message: no panic, and nothing in the result that grows without bound.

use crate::message::Analysis;
use crate::message::defects::Prepared;
use crate::message::sides::Published;

/// Reads it as a message.
pub fn decode(bytes: &[u8]) {
    let prepared = Prepared::of(bytes.to_vec());
    if let Some(analysis) = Analysis::of(prepared.message(), &Published::default(), &|_| Vec::new()) {
        assert!(analysis.route.steps.len() <= 30);
        assert!(analysis.route.total.is_none_or(|total| total >= 0));
    }
}
