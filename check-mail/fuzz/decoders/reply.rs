//! Any bytes as a mail server's answer.

use crate::smtp::reply::{Parsed, Reply};

/// Reads it as an answer.
pub fn decode(bytes: &[u8]) {
    if let Parsed::Whole(reply, used) = Reply::parse(bytes) {
        assert!(used <= bytes.len() && (200..600).contains(&reply.code));
    }
}
