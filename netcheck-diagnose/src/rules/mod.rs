//! The rules, one file a layer: from a failure and its experiments to a cause.

mod bogon;
pub(super) mod certificate;
pub(super) mod connection;
pub(super) mod datagram;
pub mod ecn;
mod excluded;
pub(super) mod handshake;
mod hello_form;
mod hops;
pub mod intercepted;
pub(super) mod local;
pub(super) mod name;
pub(super) mod page;
pub(super) mod protocol;
pub(super) mod proxy;
mod refusal;
mod resolver;
