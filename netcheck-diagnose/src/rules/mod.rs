//! The rules, one file a layer: from a failure and its experiments to a cause.

pub(super) mod certificate;
pub(super) mod connection;
pub(super) mod datagram;
pub(super) mod handshake;
pub(super) mod name;
pub(super) mod page;
pub(super) mod protocol;
pub(super) mod proxy;
mod refusal;
