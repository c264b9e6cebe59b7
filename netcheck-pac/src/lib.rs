//! Proxy auto-configuration (PAC): what a script says of a URL, found out as Chromium does, within bounds of time,
//! memory and names. No socket is opened here: names are the caller's to resolve.

pub mod address;
pub mod answer;
pub mod decode;
mod engine;
mod evaluate;
pub mod url;

pub use answer::{ProxyKind, ProxyStep, read_answer};
pub use decode::decode;
pub use engine::{Event, Question, Stop, start};
pub use evaluate::{Evaluation, Limits, PacFault, evaluate};
