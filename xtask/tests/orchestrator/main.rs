//! The real `netcheck`, on fake tools.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

mod check;
mod fake;
mod interrupt;
mod plan;
mod report;
mod ways;
