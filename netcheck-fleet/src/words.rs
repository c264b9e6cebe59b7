//! Sentences that agents and operators read.

use netcheck_record::escape;
use netcheck_record::record::Record;

/// Why a hub was not reached, who prevents it, and what to change.
#[must_use]
pub fn unreached(hub: &str, record: &Record) -> String {
    let mut text = format!("{} was not reached", escape::line(hub, 200));
    if let Some(failure) = &record.failure {
        text.push_str(&format!(": {}", failure.detail));
    }
    if let Some(cause) = &record.cause {
        text.push_str(&format!(". {}: {}", cause.code, cause.fix));
    }
    text
}
