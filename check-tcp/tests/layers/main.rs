//! check-tcp above the connection: TLS and HTTP, each way it can end, and what is made of it.
#![expect(clippy::unwrap_used, reason = "a server that cannot start ends the test")]

mod browsing;
mod certificate;
mod clock;
mod endings;
mod facts;
mod filter;
mod front;
mod h2;
mod handshake;
mod hello;
mod inspection;
mod proof;
mod redirect;
mod status;
mod view;
