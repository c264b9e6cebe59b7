//! What no single tool can know and a whole run shows: causes put right. What was observed stays.

mod bypass;
mod clock;
mod hijack;
mod online;
mod portal;
mod silence;

use std::net::{IpAddr, SocketAddr};

use netcheck_record::record::Record;

/// Puts right what the tools could not know of each other.
pub(crate) fn apply(records: &mut [Record]) {
    bypass::apply(records);
    online::apply(records);
    portal::apply(records);
    clock::apply(records);
    hijack::apply(records);
    silence::apply(records);
}

/// Whether a record went out without a proxy.
fn direct(record: &Record) -> bool {
    record.path.as_ref().is_some_and(|path| path.via == "direct")
}

/// The address that a record was made with.
fn address(record: &Record) -> Option<IpAddr> {
    let text = record.path.as_ref()?.address.as_deref()?;
    text.parse::<SocketAddr>().map(|address| address.ip()).or_else(|_| text.parse()).ok()
}
