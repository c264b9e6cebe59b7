//! The words of the contract: what a person writes as a target, and what a tool writes as a record.
//!
//! Nothing here opens a socket: programs that only read records depend on this crate alone.

pub mod cause;
pub mod clock;
mod code;
pub mod code_kind;
pub mod escape;
pub mod facts;
pub mod failure;
pub mod file;
pub mod fix;
pub mod flags;
pub mod labels;
#[cfg(feature = "manual")]
pub mod manual;
pub mod proxy_fix;
pub mod record;
pub mod rung;
pub mod sample;
pub mod scheme;
pub mod secret;
pub mod spec;
pub mod spelling;
pub mod target;
mod vocabulary;
pub mod web_address;
