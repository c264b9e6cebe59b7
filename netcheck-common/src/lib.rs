//! The shared spine of the checks: targets in, stages, records out, and the path below every protocol.
//!
//! Flow of one target: line → [`spec::Spec`] → [`target::Target`] → [`trace::Trace`] → stages →
//! (failed: [`diagnose`]) → [`record::Record`] → one writer → exit code. One way, no going back.

pub mod cause;
pub mod clock;
pub mod escape;
pub mod failure;
#[cfg(feature = "manual")]
pub mod manual;
pub mod record;
pub mod sample;
pub mod scheme;
pub mod secret;
pub mod spec;
pub mod target;

#[cfg(feature = "net")]
pub mod check;
#[cfg(feature = "net")]
pub mod device;
#[cfg(feature = "net")]
pub mod diagnose;
#[cfg(feature = "net")]
pub mod dns;
#[cfg(feature = "net")]
pub mod eyeballs;
pub mod flags;
#[cfg(feature = "net")]
pub mod http;
#[cfg(feature = "net")]
pub mod icmp;
#[cfg(feature = "net")]
pub mod net;
#[cfg(feature = "net")]
pub mod proxy;
#[cfg(feature = "net")]
mod run;
#[cfg(feature = "net")]
pub mod seen;
#[cfg(feature = "net")]
mod shortage;
#[cfg(feature = "net")]
pub mod signature;
#[cfg(feature = "net")]
pub mod stream;
#[cfg(feature = "net")]
pub mod tcp;
#[cfg(feature = "net")]
pub mod tls;
#[cfg(feature = "net")]
pub mod trace;
#[cfg(feature = "net")]
pub mod udp;

#[cfg(feature = "net")]
pub use run::run;
