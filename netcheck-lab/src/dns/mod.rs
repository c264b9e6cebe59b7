//! A resolver with a zone of its own: right answers, wrong ones, refusals, garbage and silence.

mod server;
mod zone;

pub use server::DnsServer;
pub use zone::Zone;
