//! The run's answer through the real orchestrator and the real tools, in networks that misbehave.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end")]

mod access;
mod block;
mod forms;
mod repeat;
mod run;
