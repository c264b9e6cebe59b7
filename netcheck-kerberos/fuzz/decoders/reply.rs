//! What a KDC answers, and what a proxy sends beside a 407.

use netcheck_kerberos::link::{LONGEST_ANSWER, unframed};
use netcheck_kerberos::reply::{self, KdcReply};

/// Reads it as either.
pub fn decode(bytes: &[u8]) {
    if let Ok(Some(answer)) = unframed(bytes) {
        assert!(answer.len() <= LONGEST_ANSWER);
        read(answer);
    }
    read(bytes);
    let _ = reply::proxy_error(bytes);
}

fn read(answer: &[u8]) {
    if let Some(KdcReply::Error(error)) = reply::read(answer) {
        let hints = error.preauthentication();
        for etype in hints.etypes() {
            let _ = hints.salt(etype);
        }
        assert!(error.text.is_none_or(|text| !text.contains(char::is_control)));
    }
}
