//! What answers in the lab's internet.

pub mod mail;
pub mod media;
pub mod nginx;
pub mod quic;
pub mod silent;
pub mod socket;
