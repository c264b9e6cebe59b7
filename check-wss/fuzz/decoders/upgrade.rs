//! An answer to the upgrade, come in pieces that the input chooses: the same answer however it is cut.

use crate::upgrade::{HEAD, HeadParse, ResponseHead, UpgradeRequest};

/// Reads it whole, then piece by piece, and judges what came of it.
pub fn decode(bytes: &[u8]) {
    let Some((step, bytes)) = bytes.split_first() else { return };
    let whole = ResponseHead::read(bytes, 0);
    let (mut end, mut seen) = (0, 0);
    let pieces = loop {
        match ResponseHead::read(&bytes[..end], seen) {
            HeadParse::Partial if end < bytes.len() => seen = end,
            head => break head,
        }
        end = (end + usize::from(*step).max(1)).min(bytes.len());
    };
    if bytes.len() < HEAD {
        assert_eq!(whole, pieces);
    }
    let HeadParse::Whole(answer, length) = whole else { return };
    assert!(length <= bytes.len() && answer.headers.len() <= 128);
    let offer =
        UpgradeRequest { key: "dGhlIHNhbXBsZSBub25jZQ==".into(), deflate: true, ..UpgradeRequest::default() };
    if offer.judge(&answer).is_ok() {
        assert_eq!(answer.status, 101);
    }
    let _ = answer.length();
}
