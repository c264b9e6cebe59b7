//! The real `netcheck`, on fake tools.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

mod answer;
mod broken_tools;
mod check;
mod fake;
mod hostile;
mod interrupt;
mod loss;
mod plan;
mod report;
mod requests;
mod secrets;
mod self_test;
mod show;
mod textfile;
mod ways;
